package tacet.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The script that finds a JDK, on machines that are made up of folders with a release file and a java that does nothing. */
class LauncherTest {

  private static final Path LAUNCHER = Path.of("../../tacet").toAbsolutePath().normalize();

  private record Outcome(int code, String err) {}

  @TempDir private Path folder;

  @BeforeEach
  void shell() {
    assumeTrue(Files.exists(Path.of("/bin/sh")), "there is no /bin/sh");
  }

  private Path jdk(String name, String version) throws IOException {
    Path home = folder.resolve("jdks").resolve(name);
    Path java = Files.createDirectories(home.resolve("bin")).resolve("java");
    Files.writeString(java, "#!/bin/sh\necho \"$0\" >&2\nexit 7\n");
    assertTrue(java.toFile().setExecutable(true));
    Files.writeString(home.resolve("release"), "JAVA_VERSION=\"" + version + "\"\n");
    return home;
  }

  /** Runs a copy of the launcher in an empty project, with nothing but the shell's own tools and an old java on the path. */
  private Outcome launch(Map<String, String> environment) throws Exception {
    Path project = Files.createDirectories(folder.resolve("project"));
    Path launcher = project.resolve("tacet");
    Files.copy(LAUNCHER, launcher, java.nio.file.StandardCopyOption.REPLACE_EXISTING);
    assertTrue(launcher.toFile().setExecutable(true));
    List<String> command = new ArrayList<>(List.of("/bin/sh", launcher.toString(), "inspect"));
    ProcessBuilder b = new ProcessBuilder(command).directory(project.toFile());
    b.environment().clear();
    b.environment().put("PATH", jdk("old", "17.0.2").resolve("bin") + ":" + tools());
    b.environment().put("HOME", folder.toString());
    b.environment().putAll(environment);
    Process p = b.redirectOutput(ProcessBuilder.Redirect.DISCARD).start();
    String err = new String(p.getErrorStream().readAllBytes(), StandardCharsets.UTF_8);
    return new Outcome(p.waitFor(), err);
  }

  /** The tools that the launcher calls, without a Maven that may lie beside them. */
  private String tools() throws IOException {
    Path bin = Files.createDirectories(folder.resolve("bin"));
    for (String tool :
        List.of("dirname", "sed", "readlink", "find", "head", "basename", "ls", "grep")) {
      for (String place : List.of("/bin/", "/usr/bin/")) {
        if (Files.exists(Path.of(place + tool)) && !Files.exists(bin.resolve(tool))) {
          Files.createSymbolicLink(bin.resolve(tool), Path.of(place + tool));
        }
      }
    }
    return bin.toString();
  }

  @Test
  void saysWhatToInstallWithoutAJdk() throws Exception {
    Path old = jdk("old", "21.0.4");
    for (Map<String, String> environment :
        List.of(
            Map.of("TACET_JDKS", ""),
            Map.of("TACET_JDKS", old.toString(), "JAVA_HOME", old.toString()),
            Map.of("TACET_JDKS", folder.resolve("none").toString()))) {
      Outcome o = launch(environment);
      assertEquals(2, o.code, o.err);
      assertEquals(1, o.err.lines().count(), o.err);
      assertTrue(o.err.contains("no JDK 25 or newer found; install one"), o.err);
    }
  }

  @Test
  void saysWhatToInstallWithoutMaven() throws Exception {
    Outcome o = launch(Map.of("TACET_JDKS", jdk("new", "25.0.1").toString()));
    assertEquals(2, o.code, o.err);
    assertEquals(1, o.err.lines().count(), o.err);
    assertTrue(o.err.contains("no mvn found; install Apache Maven"), o.err);
  }

  @Test
  void takesTheFirstThatIsNewEnough() throws Exception {
    Path built = Files.createDirectories(folder.resolve("project/engine/cli/target/lib"));
    Files.createFile(built.resolveSibling("tacet-cli.jar"));
    for (String sources : List.of("kernels/src", "native/src", "engine/cli/src")) {
      Files.createDirectories(folder.resolve("project").resolve(sources));
    }
    Path pom = Files.createFile(folder.resolve("project/pom.xml"));
    assertTrue(pom.toFile().setLastModified(0));
    String jdks = jdk("old", "17") + " " + jdk("new", "26-ea") + " " + jdk("newer", "27");
    Outcome o = launch(Map.of("TACET_JDKS", jdks));
    assertEquals(7, o.code, o.err);
    assertEquals(folder.resolve("jdks/new/bin/java").toString(), o.err.strip());
    Path home = jdk("home", "25");
    o = launch(Map.of("TACET_JDKS", jdks, "JAVA_HOME", home.toString()));
    assertEquals(home.resolve("bin/java").toString(), o.err.strip());
  }
}
