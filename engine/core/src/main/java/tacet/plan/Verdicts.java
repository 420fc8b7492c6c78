package tacet.plan;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.CodeSource;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.StringJoiner;
import tacet.kernels.KernelProvider;

/**
 * What {@link Trial}s have found on this machine with these providers: a text file in the user's cache folder, whose name is
 * a hash of processor, JVM, providers and this. It is read and written whole; whatever is wrong with it, or with the folder, is
 * the same as having found nothing.
 */
final class Verdicts {

  /** Who computes a network fastest. */
  enum Winner {
    SIMD,
    OTHER,
    MIXED
  }

  /**
   * A node in the network.
   *
   * @param other whether it is the other provider's in the mixture
   * @param simdNanos its time with SIMD, 0 where SIMD has no kernel
   * @param otherNanos its time with the other provider, 0 where that has none
   */
  record OfNode(boolean other, long simdNanos, long otherNanos) {
    boolean isContested() {
      return simdNanos > 0 && otherNanos > 0;
    }
  }

  /**
   * @param simdNanos time of the whole network with SIMD
   * @param otherNanos with the other provider wherever it can
   * @param mixedNanos with the best mixture that was found, 0 where that is one of these
   * @param nodes those that both may compute, in the order of the graph
   */
  record Verdict(
      Winner winner, long simdNanos, long otherNanos, long mixedNanos, List<OfNode> nodes) {

    Verdict {
      nodes = List.copyOf(nodes);
    }

    /**
     * @param advantage anything but SIMD must take less than this share of its time
     */
    static Verdict of(
        long simdNanos, long otherNanos, long mixedNanos, double advantage, List<OfNode> nodes) {
      boolean mixed = mixedNanos > 0 && mixedNanos < otherNanos;
      Winner winner =
          (mixed ? mixedNanos : otherNanos) >= advantage * simdNanos
              ? Winner.SIMD
              : mixed ? Winner.MIXED : Winner.OTHER;
      return new Verdict(winner, simdNanos, otherNanos, mixedNanos, nodes);
    }
  }

  /** System property: another folder for the file. */
  private static final String FOLDER = "tacet.cache";

  private static final long MOST_BYTES = 4 << 20;

  /** Whatever else a line or a node of it may hold in another version of this. */
  private static final int FIELDS = 6;

  private static final int FIELDS_OF_NODE = 3;

  private final Path file;
  private final String machine;
  private final Map<String, Verdict> known;
  private boolean changed;

  private Verdicts(Path file, String machine) {
    this.file = file;
    this.machine = machine;
    this.known = read();
  }

  /**
   * @param conditions what else times depend on, in one line
   */
  static Verdicts of(List<KernelProvider> providers, String conditions) {
    List<String> about = new ArrayList<>();
    about.add(processor());
    about.add(System.getProperty("java.vm.name") + " " + System.getProperty("java.vm.version"));
    about.add(System.getProperty("os.name") + " " + System.getProperty("os.arch"));
    about.add(build(Verdicts.class));
    for (KernelProvider p : providers) {
      about.add(p.name() + " v" + p.lanes() + " " + build(p.getClass()));
    }
    about.add(conditions);
    String machine = String.join("; ", about).replaceAll("\\s+", " ");
    Path folder = folder();
    return new Verdicts(
        folder == null ? null : folder.resolve("kernels-" + hash(machine) + ".txt"), machine);
  }

  /**
   * @param network what tells it from others
   * @param nodes how many of its nodes have a choice
   * @return null where nothing is known of it
   */
  Verdict get(String network, int nodes) {
    Verdict v = known.get(hash(network));
    return v == null || v.nodes.size() != nodes ? null : v;
  }

  void put(String network, Verdict verdict) {
    known.put(hash(network), verdict);
    changed = true;
  }

  private Map<String, Verdict> read() {
    Map<String, Verdict> found = new LinkedHashMap<>();
    if (file == null) {
      return found;
    }
    try {
      if (!Files.isRegularFile(file) || Files.size(file) > MOST_BYTES) {
        return found;
      }
      String[] lines = new String(Files.readAllBytes(file), StandardCharsets.UTF_8).split("\n", -1);
      if (!lines[0].equals(machine)) {
        return found;
      }
      for (int i = 1; i < lines.length; i++) {
        String[] f = lines[i].split("\t", -1);
        if (f.length == FIELDS) {
          found.put(
              f[0],
              new Verdict(
                  Winner.valueOf(f[1]),
                  Long.parseLong(f[2]),
                  Long.parseLong(f[3]),
                  Long.parseLong(f[4]),
                  nodes(f[5])));
        }
      }
    } catch (IOException | SecurityException | IllegalArgumentException e) {
      // Measured again.
      found.clear();
    }
    return found;
  }

  private static List<OfNode> nodes(String text) {
    List<OfNode> nodes = new ArrayList<>();
    for (String node : text.split(",", -1)) {
      String[] f = node.split(":", -1);
      if (f.length != FIELDS_OF_NODE) {
        throw new IllegalArgumentException(node);
      }
      nodes.add(new OfNode(f[0].equals("other"), Long.parseLong(f[1]), Long.parseLong(f[2])));
    }
    return nodes;
  }

  /** Writes what is known, with what others have written meanwhile. */
  void save() {
    if (!changed || file == null) {
      return;
    }
    changed = false;
    Map<String, Verdict> all = read();
    all.putAll(known);
    StringBuilder text = new StringBuilder(machine).append('\n');
    all.forEach((network, v) -> text.append(line(network, v)));
    try {
      Files.createDirectories(file.getParent());
      Path whole = Files.createTempFile(file.getParent(), "kernels", ".tmp");
      try {
        Files.writeString(whole, text);
        Files.move(
            whole, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
      } finally {
        Files.deleteIfExists(whole);
      }
    } catch (IOException | SecurityException | UnsupportedOperationException _) {
      // Without a place to keep it, it is measured again next time.
    }
  }

  private static String line(String network, Verdict v) {
    StringJoiner nodes = new StringJoiner(",");
    for (OfNode n : v.nodes) {
      nodes.add((n.other ? "other:" : "simd:") + n.simdNanos + ":" + n.otherNanos);
    }
    return String.join(
        "\t",
        network,
        v.winner.toString(),
        Long.toString(v.simdNanos),
        Long.toString(v.otherNanos),
        Long.toString(v.mixedNanos),
        nodes + "\n");
  }

  /** The user's cache folder for Tacet, or null where there is none. */
  private static Path folder() {
    String given = System.getProperty(FOLDER);
    if (given != null) {
      return given.isEmpty() ? null : Path.of(given);
    }
    String home = System.getProperty("user.home", "");
    String os = System.getProperty("os.name", "").toLowerCase(Locale.ROOT);
    String base;
    if (os.startsWith("windows")) {
      base = System.getenv("LOCALAPPDATA");
    } else if (os.startsWith("mac")) {
      base = home.isEmpty() ? null : home + "/Library/Caches";
    } else {
      String xdg = System.getenv("XDG_CACHE_HOME");
      base = xdg != null && !xdg.isEmpty() ? xdg : home.isEmpty() ? null : home + "/.cache";
    }
    return base == null ? null : Path.of(base, "tacet");
  }

  private static String processor() {
    try {
      for (String line : Files.readAllLines(Path.of("/proc/cpuinfo"))) {
        if (line.startsWith("model name")) {
          return line.substring(line.indexOf(':') + 1).strip();
        }
      }
    } catch (IOException | SecurityException _) {
      // Not Linux: the architecture must do.
    }
    String identifier = System.getenv("PROCESSOR_IDENTIFIER");
    return identifier == null ? System.getProperty("os.arch") : identifier;
  }

  /** What tells one build of a class from another: size and time of the file it came from. */
  private static String build(Class<?> c) {
    try {
      CodeSource source = c.getProtectionDomain().getCodeSource();
      Path path = Path.of(source.getLocation().toURI());
      return Files.size(path) + "@" + Files.getLastModifiedTime(path).toMillis();
    } catch (IOException | RuntimeException | java.net.URISyntaxException e) {
      return "unknown";
    }
  }

  private static String hash(String text) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest, 0, 8);
    } catch (NoSuchAlgorithmException e) {
      throw new AssertionError("every JVM has SHA-256", e);
    }
  }
}
