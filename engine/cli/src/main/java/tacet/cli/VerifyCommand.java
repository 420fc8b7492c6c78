package tacet.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tacet.error.TacetException;
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

  @Option(names = "--json", paramLabel = "FILE", description = "Write the outcomes as JSON.")
  private Path json;

  @Mixin private ModelOptionsMixin modelOptions;

  @Override
  public Integer call() throws IOException, InterruptedException {
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
    List<Map<String, Object>> rows = new ArrayList<>();
    for (Path folder : cases) {
      rows.add(verify(name(folder), folder));
    }
    long passed = count(rows, "ok");
    long failed = count(rows, "FAIL");
    long unsupported = count(rows, "unsupported");
    System.out.println(passed + " passed, " + failed + " failed, " + unsupported + " unsupported");
    if (json != null) {
      Map<String, Object> content = new LinkedHashMap<>();
      content.put("passed", passed);
      content.put("failed", failed);
      content.put("unsupported", unsupported);
      content.put("cases", rows);
      JsonFile.write(json, content);
    }
    return failed + unsupported == 0 ? 0 : 1;
  }

  private static long count(List<Map<String, Object>> rows, String outcome) {
    return rows.stream().filter(r -> outcome.equals(r.get("outcome"))).count();
  }

  /** Prints a case's line; whatever goes wrong with one is no reason not to run the others. */
  private Map<String, Object> verify(String name, Path folder) throws InterruptedException {
    double absolute = Double.NaN;
    double relative = Double.NaN;
    String outcome = "FAIL";
    String note;
    try {
      VerifyCase.Outcome o = VerifyCase.run(folder, modelOptions.options(), rtol, atol);
      outcome = o.passed() ? "ok" : "FAIL";
      absolute = o.maxAbsolute();
      relative = o.maxRelative();
      note = o.note();
    } catch (UnsupportedOpException e) {
      outcome = "unsupported";
      note = e.getMessage();
    } catch (IOException | TacetException | IllegalArgumentException e) {
      note = String.valueOf(e.getMessage());
    } catch (RuntimeException e) {
      note = "internal error: " + e;
    }
    System.out.printf(
        Locale.ROOT,
        "%s %s %.3g %.3g%s%n",
        outcome,
        name,
        absolute,
        relative,
        note.isEmpty() ? "" : " " + Main.oneLine(note));
    Map<String, Object> row = new LinkedHashMap<>();
    row.put("case", name);
    row.put("outcome", outcome);
    row.put("maxAbsolute", absolute);
    row.put("maxRelative", relative);
    row.put("note", note);
    return row;
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
