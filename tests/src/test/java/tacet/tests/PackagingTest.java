package tacet.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.lang.module.ModuleDescriptor;
import java.lang.module.ModuleFinder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.spi.ToolProvider;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What someone who embeds Tacet takes: two jars, nothing else. */
class PackagingTest {

  private static final String APPLICATION =
      """
      package app;

      class Main {
        public static void main(String[] args) throws Exception {
          tacet.NetworkBuilder b = new tacet.NetworkBuilder("app", 1);
          String y = b.dense("dense", b.input("x", 1, 8), 4);
          try (tacet.Model model = tacet.Model.of(b.build(y), tacet.ModelOptions.defaults())) {
            var result = model.run(new float[8]);
            System.out.println(
                result.output().shape() + " " + result.profile().layers().getFirst().backend());
          }
        }
      }
      """;

  @TempDir Path folder;

  private static Path jar(String start) throws IOException {
    Path lib = Data.root().resolve("engine/cli/target/lib");
    assumeTrue(Files.exists(lib), "there are no jars before the phase 'package'");
    try (Stream<Path> jars = Files.list(lib)) {
      return jars.filter(p -> p.getFileName().toString().startsWith(start))
          .findFirst()
          .orElseThrow();
    }
  }

  @Test
  void theEmbeddingJarsAreSmall() throws IOException {
    long bytes = Files.size(jar("tacet-0")) + Files.size(jar("tacet-kernels-"));
    assertTrue(bytes < 1_000_000, "both jars together: " + bytes + " bytes");
  }

  @Test
  void theEmbeddingModulesRequireTheJdkAlone() throws IOException {
    Set<String> required = new TreeSet<>();
    for (Path jar : List.of(jar("tacet-0"), jar("tacet-kernels-"))) {
      ModuleDescriptor d =
          ModuleFinder.of(jar).findAll().stream().findFirst().orElseThrow().descriptor();
      for (ModuleDescriptor.Requires r : d.requires()) {
        boolean optional = r.modifiers().contains(ModuleDescriptor.Requires.Modifier.STATIC);
        required.add(r.name() + (optional ? "?" : ""));
      }
    }
    assertEquals(
        Set.of("java.base", "jdk.incubator.vector?", "jdk.jfr?", "tacet.kernels"), required);
  }

  @Test
  void theEmbeddingPomsNameNoOtherDependency() throws IOException {
    Pattern dependency =
        Pattern.compile(
            "<dependency>\\s*<groupId>(.*?)</groupId>\\s*<artifactId>(.*?)</artifactId>(.*?)"
                + "</dependency>",
            Pattern.DOTALL);
    for (String pom : List.of("kernels/pom.xml", "engine/core/pom.xml")) {
      Matcher m = dependency.matcher(Files.readString(Data.root().resolve(pom)));
      while (m.find()) {
        boolean test = m.group(3).contains("<scope>test</scope>");
        assertTrue(test || m.group(2).equals("tacet-kernels"), pom + ": " + m.group(2));
      }
    }
  }

  /** An image of the JDK with nothing in it but what the application requires. */
  @Test
  void runsInAnImageOfItsOwn() throws IOException, InterruptedException {
    String path = jar("tacet-0") + File.pathSeparator + jar("tacet-kernels-");
    Path source = Files.createDirectories(folder.resolve("src/app"));
    Files.writeString(source.resolve("Main.java"), APPLICATION);
    Files.writeString(
        folder.resolve("src/module-info.java"),
        "module app { requires tacet; requires jdk.incubator.vector; }");
    Path classes = folder.resolve("classes");
    tool(
        "javac",
        "-Xlint:-incubating",
        "-p",
        path,
        "-d",
        classes.toString(),
        folder.resolve("src/module-info.java").toString(),
        source.resolve("Main.java").toString());
    Path image = folder.resolve("image");
    tool(
        "jlink",
        "--module-path",
        path + File.pathSeparator + classes,
        "--add-modules",
        "app",
        "--strip-debug",
        "--no-header-files",
        "--no-man-pages",
        "--output",
        image.toString());
    List<String> modules = java(image, "--list-modules");
    assertTrue(modules.stream().noneMatch(m -> m.startsWith("jdk.jfr")), modules.toString());
    List<String> out = java(image, "-m", "app/app.Main");
    assertTrue(out.contains("1x4 vector"), out.toString());
    long bytes = 0;
    try (Stream<Path> files = Files.walk(image)) {
      bytes = files.filter(Files::isRegularFile).mapToLong(p -> p.toFile().length()).sum();
    }
    System.out.println("image with java.base, Vector API and Tacet: " + bytes / 1_000_000 + " MB");
    assertTrue(bytes < 80_000_000, "image of " + bytes + " bytes");
  }

  private static void tool(String name, String... arguments) {
    int code = ToolProvider.findFirst(name).orElseThrow().run(System.out, System.err, arguments);
    assertEquals(0, code, name);
  }

  private List<String> java(Path home, String... arguments)
      throws IOException, InterruptedException {
    Path out = folder.resolve("out");
    List<String> command = new ArrayList<>();
    command.add(home.resolve("bin/java").toString());
    command.addAll(List.of(arguments));
    int code =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(out.toFile())
            .start()
            .waitFor();
    List<String> lines = Files.readAllLines(out);
    assertEquals(0, code, () -> String.join("\n", lines));
    return lines;
  }
}
