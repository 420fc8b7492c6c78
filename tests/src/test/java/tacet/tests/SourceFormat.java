package tacet.tests;

import com.google.googlejavaformat.java.Formatter;
import com.google.googlejavaformat.java.FormatterException;
import com.google.googlejavaformat.java.ImportOrderer;
import com.google.googlejavaformat.java.JavaFormatterOptions;
import com.google.googlejavaformat.java.RemoveUnusedImports;
import com.google.googlejavaformat.java.StringWrapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;

/** The sources' format: google-java-format, but for the wording and filling of Javadoc. */
final class SourceFormat {

  private static final JavaFormatterOptions OPTIONS =
      JavaFormatterOptions.builder().formatJavadoc(false).build();
  private static final Formatter FORMATTER = new Formatter(OPTIONS);

  private SourceFormat() {}

  /** Rewrites every source file below the working directory that is not formatted. */
  public static void main(String[] args) throws IOException, FormatterException {
    for (Path file : sources(Path.of(""))) {
      String text = Files.readString(file);
      String formatted = format(text);
      if (!formatted.equals(text)) {
        Files.writeString(file, formatted);
        System.out.println("formatted " + file);
      }
    }
  }

  /** All Java sources below a folder, build products and hidden folders left out. */
  static List<Path> sources(Path root) throws IOException {
    try (Stream<Path> all = Files.walk(root)) {
      return all.filter(p -> p.toString().endsWith(".java"))
          .filter(p -> isSource(root.relativize(p)))
          .sorted()
          .toList();
    }
  }

  private static boolean isSource(Path relative) {
    for (Path part : relative) {
      if (part.toString().equals("target") || part.toString().startsWith(".")) {
        return false;
      }
    }
    return true;
  }

  static String format(String text) throws FormatterException {
    String ordered = ImportOrderer.reorderImports(text, OPTIONS.style());
    String used = RemoveUnusedImports.removeUnusedImports(ordered);
    return StringWrapper.wrap(FORMATTER.formatSource(used), FORMATTER);
  }
}
