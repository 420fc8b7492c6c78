package tacet.cli;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.FileSystemException;
import java.nio.file.NoSuchFileException;
import java.util.Locale;
import java.util.Map;
import java.util.ServiceLoader;
import java.util.TreeMap;
import java.util.function.Supplier;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ScopeType;
import tacet.error.TacetException;

/** The command line. Exit codes: 0 done, 1 a check failed, 2 wrong usage or bad input. */
@Command(
    name = "tacet",
    mixinStandardHelpOptions = true,
    version = "tacet 0.1.0-SNAPSHOT",
    description =
        "Runs convolutional networks and says where the zeros of their activations come from.")
public final class Main {

  static final int BAD_INPUT = 2;

  private static final Map<String, Supplier<Object>> SUBCOMMANDS =
      new TreeMap<>(
          Map.of(
              "inspect", InspectCommand::new,
              "profile", ProfileCommand::new,
              "run", RunCommand::new,
              "survey", SurveyCommand::new,
              "verify", VerifyCommand::new));

  private static final String LOG_FORMAT = "java.util.logging.SimpleFormatter.format";

  @Option(
      names = "--debug",
      scope = ScopeType.INHERIT,
      description = "Print the stack trace of an error.")
  private boolean debug;

  private Main() {}

  public static void main(String[] args) {
    System.setProperty("java.awt.headless", "true");
    if (System.getProperty(LOG_FORMAT) == null) {
      // A warning is one line, as everything else on the command line.
      System.setProperty(LOG_FORMAT, "tacet: %5$s%n");
    }
    System.exit(run(args));
  }

  /** Runs a command line and returns its exit code. */
  static int run(String... args) {
    Main main = new Main();
    CommandLine command = new CommandLine(main);
    Supplier<Object> asked = args.length == 0 ? null : SUBCOMMANDS.get(args[0]);
    if (asked != null) {
      // Describing each of the others to the parser would take as long as reading a small model.
      command.addSubcommand(asked.get());
    } else {
      SUBCOMMANDS.values().forEach(s -> command.addSubcommand(s.get()));
      ServiceLoader.load(Subcommand.class).forEach(command::addSubcommand);
    }
    command.setCaseInsensitiveEnumValuesAllowed(true);
    command.setParameterExceptionHandler(
        (e, _) -> {
          e.getCommandLine().getErr().println("tacet: " + oneLine(e.getMessage()));
          return BAD_INPUT;
        });
    command.setExecutionExceptionHandler((e, line, _) -> main.report(e, line));
    if (args.length == 0) {
      command.usage(System.out);
      return 0;
    }
    try {
      return command.execute(args);
    } catch (OutOfMemoryError e) {
      command.getErr().println("tacet: not enough memory: " + main.memory(e, command));
      return BAD_INPUT;
    }
  }

  /** What ran out, and what the VM may take. */
  private String memory(OutOfMemoryError e, CommandLine command) {
    if (debug) {
      e.printStackTrace(command.getErr());
    }
    return String.format(
        Locale.ROOT,
        "%s (the heap may grow to %.2f GB; JAVA_OPTS=-Xmx… sets it)",
        oneLine(String.valueOf(e.getMessage())),
        Runtime.getRuntime().maxMemory() / 1e9);
  }

  private int report(Exception e, CommandLine line) throws Exception {
    if (debug) {
      e.printStackTrace(line.getErr());
    }
    String message =
        switch (e) {
          case TacetException t -> t.getMessage();
          case NoSuchFileException n -> n.getFile() + ": no such file";
          case AccessDeniedException a -> a.getFile() + ": access denied";
          case FileSystemException f ->
              f.getFile() + ": " + (f.getReason() == null ? "cannot be used" : f.getReason());
          case IOException i -> i.getMessage();
          case IllegalArgumentException i -> i.getMessage();
          case IllegalStateException i -> i.getMessage();
          case InterruptedException _ -> "interrupted";
          default -> throw e;
        };
    line.getErr().println("tacet: " + oneLine(message == null ? e.toString() : message));
    return BAD_INPUT;
  }

  static String oneLine(String s) {
    return s.strip().replaceAll("\\s*\\R\\s*", " ");
  }
}
