package tacet.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tacet.error.UnsupportedOpException;

/** Compares a network's outputs with stored ones. */
@Command(
    name = "verify",
    mixinStandardHelpOptions = true,
    description =
        "Runs the models of case folders and compares their outputs with the stored ones.")
final class VerifyCommand implements Callable<Integer> {

  @Parameters(
      arity = "1..*",
      paramLabel = "DIR",
      description = "Case folders, or folders that hold some at any depth.")
  private List<Path> folders;

  @Option(
      names = "--rtol",
      paramLabel = "R",
      description = "Relative tolerance (default: ${DEFAULT-VALUE}).")
  private double rtol = 1e-3;

  @Option(
      names = "--atol",
      paramLabel = "A",
      description = "Absolute tolerance (default: 1e-5 of the output's largest magnitude).")
  private Double atol;

  @Mixin private ModelOptionsMixin modelOptions;

  @Override
  public Integer call() throws IOException, InterruptedException {
    PrintStream out = System.out;
    List<Path> cases = new ArrayList<>();
    for (Path folder : folders) {
      if (!Files.exists(folder)) {
        throw new NoSuchFileException(folder.toString());
      }
      try (Stream<Path> all = Files.walk(folder)) {
        all.filter(Files::isDirectory).filter(VerifyCase::isCase).sorted().forEach(cases::add);
      }
    }
    if (cases.isEmpty()) {
      throw new IllegalArgumentException(folders + ": no case folder with a model and its arrays");
    }
    int passed = 0;
    int failed = 0;
    int unsupported = 0;
    for (Path folder : cases) {
      String name = name(folder);
      try {
        VerifyCase.Outcome o = VerifyCase.run(folder, modelOptions.options(), rtol, atol);
        out.printf(
            Locale.ROOT,
            "%s %s %.3g %.3g%s%n",
            o.passed() ? "ok" : "FAIL",
            name,
            o.maxAbsolute(),
            o.maxRelative(),
            o.note().isEmpty() ? "" : " " + o.note());
        passed += o.passed() ? 1 : 0;
        failed += o.passed() ? 0 : 1;
      } catch (UnsupportedOpException e) {
        out.println("unsupported " + name + " " + e.getMessage());
        unsupported++;
      } catch (tacet.error.TacetException | IOException | IllegalArgumentException e) {
        out.println("FAIL " + name + " nan nan " + e.getMessage());
        failed++;
      }
    }
    out.println(passed + " passed, " + failed + " failed, " + unsupported + " unsupported");
    return failed + unsupported == 0 ? 0 : 1;
  }

  /** The folder's name, with its parents' as far as they tell it from other cases. */
  private String name(Path folder) {
    for (Path given : folders) {
      if (folder.startsWith(given) && !folder.equals(given)) {
        return given.relativize(folder).toString();
      }
    }
    return folder.getFileName().toString();
  }
}
