package tacet.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.spi.ToolProvider;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The Java in the documents compiles and runs as it is written. */
class SnippetTest {

  private static final Pattern SNIPPET = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL);

  private static final String FRAME =
      """
      import java.nio.file.Path;
      import java.util.*;
      import tacet.*;
      import tacet.graph.*;
      import tacet.profile.*;
      import tacet.tensor.*;
      %s
      class Snippet {
        static Model model;
        static float[] pixels = new float[3 * %d * %d];

        public static void main(String[] args) throws Exception {
          try (Model m = Model.of(network(), ModelOptions.defaults())) {
            model = m;
            body();
          }
        }

        static Graph network() {
          NetworkBuilder b = new NetworkBuilder("snippet", 1);
          String x = b.input("image", 1, 3, 32, 32);
          return b.build(b.softmax("scores", b.dense("dense", b.flatten("flat", x), 10)));
        }

        static void body() throws Exception {
      %s
        }
      }
      """;

  @TempDir Path folder;

  @Test
  void readme() throws IOException, InterruptedException {
    List<String> snippets = snippets("README.md");
    assertFalse(snippets.isEmpty());
    assertTrue(snippets.getFirst().lines().count() <= 10, "the first takes ten lines at most");
    run(snippets);
  }

  @Test
  void events() throws IOException, InterruptedException {
    assertTrue(run(snippets("engine/core/EVENTS.md")).contains("% zeros"));
  }

  private static List<String> snippets(String document) throws IOException {
    Matcher m = SNIPPET.matcher(Files.readString(Data.root().resolve(document)));
    List<String> found = new ArrayList<>();
    while (m.find()) {
      found.add(m.group(1));
    }
    return found;
  }

  private String run(List<String> snippets) throws IOException, InterruptedException {
    StringBuilder printed = new StringBuilder();
    for (String snippet : snippets) {
      String imports =
          snippet.lines().filter(l -> l.startsWith("import ")).collect(Collectors.joining("\n"));
      String body =
          snippet.lines().filter(l -> !l.startsWith("import ")).collect(Collectors.joining("\n"));
      int side = 32;
      if (body.contains("model.onnx")) {
        Path model = Data.of("models/mobilenet_v1_0.25_224/onnx/model.onnx");
        body = body.replace("model.onnx", model.toString());
        side = 224;
      }
      Path source = folder.resolve("Snippet.java");
      Files.writeString(source, FRAME.formatted(imports, side, side, body));
      String classPath = System.getProperty("java.class.path");
      int compiled =
          ToolProvider.findFirst("javac")
              .orElseThrow()
              .run(
                  System.out,
                  System.err,
                  "-cp",
                  classPath,
                  "-d",
                  folder.toString(),
                  source.toString());
      assertEquals(0, compiled, snippet);
      Path out = folder.resolve("out");
      int code =
          new ProcessBuilder(
                  Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                  "--add-modules",
                  "jdk.incubator.vector",
                  "-cp",
                  classPath + java.io.File.pathSeparator + folder,
                  "Snippet")
              .redirectErrorStream(true)
              .redirectOutput(out.toFile())
              .start()
              .waitFor();
      printed.append(Files.readString(out));
      assertEquals(0, code, printed.toString());
    }
    return printed.toString();
  }
}
