package tacet.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.spi.ToolProvider;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The built modules on the module path, without any flag of the VM. */
class ModulePathTest {

  private static final String APPLICATION =
      """
      package app;

      import java.util.List;
      import java.util.Map;
      import java.util.Set;
      import tacet.Model;
      import tacet.ModelOptions;
      import tacet.graph.Graph;
      import tacet.graph.Node;
      import tacet.graph.Op;
      import tacet.graph.ValueInfo;
      import tacet.kernels.DataType;
      import tacet.tensor.Shape;
      import tacet.tensor.Tensor;

      class Main {
        public static void main(String[] args) throws Exception {
          Graph graph =
              Graph.checked(
                  "app",
                  List.of(new ValueInfo("x", DataType.FLOAT32, new long[] {1, 2})),
                  List.of(new ValueInfo("y", DataType.FLOAT32, new long[] {1, 1})),
                  Map.of("w", Tensor.of(Shape.of(2, 1), new float[] {3, 4})),
                  List.of(new Node("y", new Op.MatMul(), List.of("x", "w"), List.of("y"))),
                  Map.of(),
                  Set.of());
          try (Model model = Model.of(graph, ModelOptions.defaults().withThreads(1))) {
            var result = model.run(Tensor.of(Shape.of(1, 2), new float[] {10, 1}));
            System.out.println(
                result.output("y").toFloats()[0]
                    + " "
                    + result.profile().layers().getFirst().backend());
          }
        }
      }
      """;

  @TempDir Path folder;

  @Test
  void commandRuns() throws IOException, InterruptedException {
    Run run = java(jars(""), "tacet.cli/tacet.cli.Main", "inspect", "--help");
    assertEquals(0, run.code, run.err);
    assertTrue(run.out.startsWith("Usage: tacet inspect"), run.out);
  }

  /** With the incubator module the embedding application computes with SIMD. */
  @Test
  void applicationThatRequiresVectors() throws IOException, InterruptedException {
    Run run = application("requires tacet; requires jdk.incubator.vector;");
    assertEquals(0, run.code, run.err);
    assertEquals("34.0 vector", run.out.strip());
  }

  /** Without it the answer is the same, and one line says why it took longer. */
  @Test
  void applicationThatDoesNot() throws IOException, InterruptedException {
    Run run = application("requires tacet;");
    assertEquals(0, run.code, run.err);
    assertEquals("34.0 scalar", run.out.strip());
    assertEquals(1, run.err.lines().filter(l -> l.contains("jdk.incubator.vector")).count());
  }

  /** Compiles and runs an application module on the two modules that are for embedding, and nothing else. */
  private Run application(String requires) throws IOException, InterruptedException {
    String path = jars("tacet-kernels-", "tacet-0");
    Path source = Files.createDirectories(folder.resolve("src/app"));
    Files.writeString(source.resolve("Main.java"), APPLICATION);
    Files.writeString(folder.resolve("src/module-info.java"), "module app { " + requires + " }");
    Path classes = folder.resolve("classes");
    int code =
        ToolProvider.findFirst("javac")
            .orElseThrow()
            .run(
                System.out,
                System.err,
                "-Xlint:-incubating",
                "-p",
                path,
                "-d",
                classes.toString(),
                folder.resolve("src/module-info.java").toString(),
                source.resolve("Main.java").toString());
    assertEquals(0, code);
    return java(path + File.pathSeparator + classes, "app/app.Main");
  }

  /** The built jars whose names begin so. */
  private static String jars(String... names) throws IOException {
    Path target = Data.root().resolve("engine/cli/target");
    assumeTrue(Files.exists(target.resolve("lib")), "there are no jars before the phase 'package'");
    try (Stream<Path> lib = Files.list(target.resolve("lib"))) {
      return Stream.concat(lib, Stream.of(target.resolve("tacet-cli.jar")))
          .filter(p -> Stream.of(names).anyMatch(p.getFileName().toString()::startsWith))
          .map(Path::toString)
          .collect(Collectors.joining(File.pathSeparator));
    }
  }

  private record Run(int code, String out, String err) {}

  private Run java(String path, String module, String... arguments)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of("-p", path, "-m", module));
    command.addAll(List.of(arguments));
    Path out = folder.resolve("out");
    Path err = folder.resolve("err");
    Process p =
        new ProcessBuilder(command)
            .redirectOutput(out.toFile())
            .redirectError(err.toFile())
            .start();
    return new Run(p.waitFor(), Files.readString(out), Files.readString(err));
  }
}
