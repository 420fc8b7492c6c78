package tacet.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Predicate;
import java.util.spi.ToolProvider;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** oneDNN that is not there: one line says so, and SIMD kernels carry on. What is damaged is unpacked again. */
class MissingOneDnnTest {

  private static final String APPLICATION =
      """
      package app;

      class Main {
        public static void main(String[] args) throws Exception {
          tacet.NetworkBuilder b = new tacet.NetworkBuilder("app", 1);
          // Kinds of layers for which SIMD is expected to be faster, and oneDNN by much: only then is it
          // loaded.
          boolean winograd = Boolean.getBoolean("winograd");
          String x = winograd ? b.input("x", 1, 32, 16, 16) : b.input("x", 1, 16, 8, 8);
          String y =
              winograd ? b.convolution("conv", x, 32, 3, 1, 1) : b.depthwise("conv", x, 3, 1, 1);
          tacet.ModelOptions options = tacet.ModelOptions.defaults().withThreads(1);
          try {
            options = options.withBackend(tacet.Backend.valueOf(args[0]));
            try (tacet.Model model = tacet.Model.of(b.build(y), options)) {
              var result = model.run(new float[winograd ? 32 * 256 : 16 * 64]);
              System.out.println(
                  result.output().shape() + " " + result.profile().layers().getFirst().backend());
            }
          } catch (IllegalStateException e) {
            System.out.println(e.getMessage());
          }
        }
      }
      """;

  @TempDir Path folder;

  private record Run(String out, List<String> err) {}

  private static List<Path> jars() throws IOException {
    Path lib = Data.root().resolve("engine/cli/target/lib");
    assumeTrue(Files.exists(lib), "there are no jars before the phase 'package'");
    try (Stream<Path> files = Files.list(lib)) {
      return files.sorted().toList();
    }
  }

  private Run run(String backend, Predicate<String> with, String... options) throws Exception {
    String path =
        jars().stream()
            .filter(p -> with.test(p.getFileName().toString()))
            .map(Path::toString)
            .collect(Collectors.joining(File.pathSeparator));
    Path classes = folder.resolve("classes");
    Path source = Files.createDirectories(folder.resolve("src/app")).resolve("Main.java");
    Files.writeString(source, APPLICATION);
    int compiled =
        ToolProvider.findFirst("javac")
            .orElseThrow()
            .run(System.out, System.err, "-cp", path, "-d", classes + "", source + "");
    assertEquals(0, compiled);
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(
        List.of("--add-modules", "jdk.incubator.vector", "--enable-native-access=ALL-UNNAMED"));
    command.addAll(List.of(options));
    command.addAll(List.of("-cp", path + File.pathSeparator + classes, "app.Main", backend));
    Path out = folder.resolve("out");
    Path err = folder.resolve("err");
    Process p =
        new ProcessBuilder(command)
            .redirectOutput(out.toFile())
            .redirectError(err.toFile())
            .start();
    assertEquals(0, p.waitFor(), () -> "exit code; see " + err);
    List<String> lines =
        Files.readAllLines(err).stream()
            // The VM's own, and the line that names the logger.
            .filter(l -> !l.matches(".*(incubator modules|tmpdir|stack guard|execstack).*"))
            .filter(l -> !l.matches(".* tacet\\.(plan|onednn)\\..*"))
            .toList();
    return new Run(Files.readString(out).strip(), lines);
  }

  /** With {@code AUTO} one warning and a result; asked for by name, the same reason as an exception. */
  private void carriesOn(String why, Predicate<String> with, String... options) throws Exception {
    Run auto = run("AUTO", with, options);
    assertEquals("1x16x8x8 vector", auto.out);
    assertEquals(1, auto.err.size(), auto.err.toString());
    assertTrue(auto.err.getFirst().contains("oneDNN is not used: "), auto.err.toString());
    assertTrue(auto.err.getFirst().contains(why), auto.err.toString());
    Run named = run("ONEDNN", with, options);
    assertTrue(named.out.startsWith("backend onednn: "), named.out);
    assertTrue(named.out.contains(why), named.out);
    assertEquals(List.of(), named.err);
  }

  @Test
  void withoutTheModuleNobodyMissesIt() throws Exception {
    Run auto = run("AUTO", j -> !j.contains("onednn"));
    assertEquals("1x16x8x8 vector", auto.out);
    assertEquals(List.of(), auto.err);
    Run named = run("ONEDNN", j -> !j.contains("onednn"));
    assertEquals("backend onednn: the module tacet.onednn is not installed", named.out);
  }

  /** Where it is not expected to be worth loading, nothing is unpacked. */
  @Test
  void notLoadedWithoutNeed() throws Exception {
    Path cache = folder.resolve("unpacked");
    Run auto =
        run("AUTO", _ -> true, "-Dorg.bytedeco.javacpp.cachedir=" + cache, "-Dwinograd=true");
    assertEquals("1x32x16x16 vector", auto.out);
    assertEquals(List.of(), auto.err);
    assertFalse(Files.exists(cache), "the libraries were unpacked");
  }

  @Test
  void switchedOff() throws Exception {
    carriesOn("switched off by tacet.onednn=off", _ -> true, "-Dtacet.onednn=off");
  }

  @Test
  void withoutTheWrapper() throws Exception {
    carriesOn("missing class", j -> !j.startsWith("dnnl-"));
  }

  @Test
  void withoutJavaCpp() throws Exception {
    carriesOn("missing class", j -> !j.startsWith("javacpp-"));
  }

  /** As with the jars of another platform alone. */
  @Test
  void withoutThisPlatformsLibraries() throws Exception {
    carriesOn(
        "it cannot be loaded", j -> !j.matches("(dnnl|opencl|javacpp)-.*-[a-z]+-x86_64\\.jar"));
  }

  @Test
  void onAnotherPlatform() throws Exception {
    carriesOn(
        "no support for windows-x86_64 yet",
        _ -> true,
        "-Dorg.bytedeco.javacpp.platform=windows-x86_64");
  }

  /** In none of the places where the libraries would be unpacked can a folder be made. */
  @Test
  void withoutAFolderForTheLibraries() throws Exception {
    Path below = Files.writeString(folder.resolve("file"), "").resolve("below");
    carriesOn(
        "it cannot be loaded",
        _ -> true,
        "-Dorg.bytedeco.javacpp.cachedir=" + below,
        "-Duser.home=" + below,
        "-Djava.io.tmpdir=" + below);
  }

  /** Libraries that are there already but damaged are unpacked again: loading them would crash the VM. */
  @Test
  void withDamagedLibraries() throws Exception {
    Path cache = folder.resolve("cache");
    String place = "-Dorg.bytedeco.javacpp.cachedir=" + cache;
    Run whole = run("ONEDNN", _ -> true, place);
    assumeTrue(whole.out.startsWith("1x16x8x8 onednn"), whole.out);
    for (String name : List.of("libgomp", "libdnnl")) {
      Path library;
      try (Stream<Path> files = Files.walk(cache)) {
        library =
            files
                .filter(p -> p.getFileName().toString().startsWith(name))
                .filter(Files::isRegularFile)
                .filter(p -> !Files.isSymbolicLink(p))
                .findFirst()
                .orElse(null);
      }
      assumeTrue(library != null, "this platform's libraries bring no " + name);
      var time = Files.getLastModifiedTime(library);
      Files.setPosixFilePermissions(library, PosixFilePermissions.fromString("rw-r--r--"));
      byte[] bytes = Files.readAllBytes(library);
      Arrays.fill(bytes, bytes.length / 4, bytes.length * 3 / 4, (byte) 0xCC);
      Files.write(library, bytes);
      // JavaCPP unpacks again what differs in size or time.
      Files.setLastModifiedTime(library, time);
      Run again = run("ONEDNN", _ -> true, place);
      assertEquals(whole.out, again.out);
      assertEquals(1, again.err.size(), again.err.toString());
      assertTrue(
          again.err.getFirst().contains(library + " was damaged, and has been unpacked again"),
          again.err.toString());
      assertEquals(List.of(), run("ONEDNN", _ -> true, place).err);
    }
  }
}
