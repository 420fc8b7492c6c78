package tacet.insight.cause;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;
import tacet.ModelOptions;
import tacet.insight.Finding;
import tacet.tensor.Tensor;

/**
 * Causes planted at random: what, how strongly, in which layer of which network, under which picture. {@code
 * -Dtacet.planted=N} takes N seeds instead of a few; what was not named first is printed, with how many cases there were.
 */
class PlantedCensusTest {

  private static final int SEEDS = Integer.getInteger("tacet.planted", 3);

  private static final int SIDE = 32;

  /** What a network in which nothing is planted is not to be accused of. */
  private static final Set<String> ACCUSATIONS =
      Set.of(
          "preprocessing",
          "flat-regions",
          "small-weights",
          "bias",
          "bottleneck",
          "dead-units",
          "saturation",
          "non-finite",
          "constant-channels",
          "duplicate-channels");

  private enum Kind {
    NOTHING,
    BIAS_OF_ONE("bias"),
    BIAS_OF_ALL("bias"),
    BIAS_OF_EACH("bias"),
    SHRUNK("small-weights"),
    PRUNED("small-weights"),
    VANISHED("small-weights"),
    VANISHED_UNITS("small-weights", "constant-channels"),
    NEGATIVE("dead-units"),
    LOW_RANK("bottleneck"),
    REPEATED("duplicate-channels"),
    NOT_A_NUMBER("non-finite"),
    FLAT_PICTURE("flat-regions");

    private final List<String> causes;

    Kind(String... causes) {
      this.causes = List.of(causes);
    }

    boolean isOfLayer() {
      return this != NOTHING && this != NOT_A_NUMBER && this != FLAT_PICTURE;
    }
  }

  private record Architecture(String name, List<String> layers, Planted network) {}

  private static List<Architecture> architectures(long seed) {
    return List.of(
        new Architecture(
            "plain",
            List.of("a", "b", "d"),
            new Planted(seed, 3, SIDE, SIDE)
                .conv("a", 16)
                .pool("p")
                .conv("b", 32)
                .flatten()
                .dense("d", 64)
                .dense("e", 24)),
        new Architecture(
            "deep",
            List.of("a", "b", "c", "f"),
            new Planted(seed, 3, SIDE, SIDE)
                .conv("a", 16)
                .conv("b", 24)
                .pool("p")
                .conv("c", 32)
                .conv("f", 32)),
        new Architecture(
            "residual",
            List.of("a", "c"),
            new Planted(seed, 3, SIDE, SIDE).conv("a", 16).residual("r").conv("c", 24)),
        new Architecture(
            "separable",
            List.of("a", "w", "b"),
            new Planted(seed, 3, SIDE, SIDE).conv("a", 24).depthwise("w").conv("b", 32, 1)),
        new Architecture(
            "dense",
            List.of("d", "e"),
            new Planted(seed, 3, SIDE, SIDE).flatten().dense("d", 96).dense("e", 48)));
  }

  @Test
  void everyCauseIsNamedFirst() throws InterruptedException {
    List<String> wrong = new ArrayList<>();
    int cases = 0;
    for (long seed = 1; seed <= SEEDS; seed++) {
      for (Kind kind : Kind.values()) {
        SplittableRandom random = new SplittableRandom(1000 * seed + kind.ordinal());
        Architecture in = pick(architectures(seed), random);
        String layer = pick(in.layers(), random);
        if (kind == Kind.LOW_RANK && (layer.equals("w") || layer.equals(in.layers().getFirst()))) {
          // A first layer of three channels, and one channel by itself, have a low rank anyhow.
          layer = in.layers().getLast();
        }
        if (kind == Kind.REPEATED && layer.equals("w")) {
          layer = "a";
        }
        Sample sample = photo(seed);
        if (kind == Kind.FLAT_PICTURE && in.name().equals("dense")) {
          // What whole pictures are summed up to depends little on their texture.
          in = architectures(seed).getFirst();
        }
        if (kind == Kind.FLAT_PICTURE) {
          sample = grey(random.nextInt(3) / 2f);
        } else {
          plant(kind, in.network(), layer, random);
        }
        cases++;
        List<Finding> found =
            Explanation.of(
                    in.network().graph(), ModelOptions.defaults().withThreads(1), List.of(sample))
                .findings();
        String fault = fault(kind, layer, found);
        if (fault != null) {
          wrong.add(kind + " in " + layer + " of " + in.name() + ", seed " + seed + ": " + fault);
        }
      }
    }
    System.out.printf(Locale.ROOT, "%d planted cases, %d wrong%n", cases, wrong.size());
    assertEquals(List.of(), wrong);
  }

  /** What is wrong with what was found, or null. */
  private static String fault(Kind kind, String layer, List<Finding> found) {
    if (kind == Kind.NOTHING) {
      return found.stream()
          .filter(f -> f.holds() && ACCUSATIONS.contains(f.cause()) && !isProven(f))
          .map(Finding::statement)
          .findFirst()
          .orElse(null);
    }
    Finding first = found.getFirst();
    boolean named = first.holds() && kind.causes.contains(first.cause());
    boolean there = !kind.isOfLayer() || first.layer().equals(layer);
    return named && there ? null : first.cause() + ": " + first.statement();
  }

  /** Of a few random weights all may be negative: such units are dead though nobody killed them. */
  private static boolean isProven(Finding f) {
    return f.cause().equals("dead-units")
        && (Integer) f.evidence().get("unreachableByInputRange")
            >= (Integer) f.evidence().get("deadUnits");
  }

  private static void plant(Kind kind, Planted network, String layer, SplittableRandom random) {
    float[] w = network.weights(layer + "/w");
    float[] b = network.weights(layer + "/b");
    int length = w.length / b.length;
    switch (kind) {
      case BIAS_OF_ONE -> b[random.nextInt(b.length)] = -pick(List.of(10f, 30f, 100f), random);
      case BIAS_OF_ALL -> Arrays.fill(b, -pick(List.of(10f, 30f, 100f), random));
      case BIAS_OF_EACH -> {
        for (int c = 0; c < b.length; c++) {
          b[c] = (float) -random.nextDouble(8, 40);
        }
      }
      case SHRUNK ->
          SoftThreshold.apply(
              w, w.length, (float) (pick(List.of(0.7, 1.0, 1.5, 2.5), random) * rms(w)));
      case PRUNED -> {
        double left = pick(List.of(0.05, 0.1, 0.2), random);
        for (int i = 0; i < w.length; i++) {
          w[i] *= random.nextDouble() < left ? 1 : 1e-4f;
        }
      }
      case VANISHED -> scale(w, 0, w.length, pick(List.of(1e-2f, 1e-3f, 1e-4f), random));
      case VANISHED_UNITS ->
          scale(w, 0, b.length / 3 * length, pick(List.of(0f, 1e-4f, 1e-3f), random));
      case NEGATIVE -> {
        for (int i = 0; i < w.length; i++) {
          w[i] = -Math.abs(w[i]);
        }
        for (int c = 0; c < b.length; c++) {
          b[c] = -Math.abs(b[c]);
        }
      }
      case LOW_RANK -> {
        for (int c = 1; c < b.length; c++) {
          float factor = (float) (random.nextBoolean() ? 1 : -1);
          for (int i = 0; i < length; i++) {
            w[c * length + i] = factor * (0.5f + (float) c / b.length) * w[i];
          }
        }
      }
      case REPEATED -> {
        int half = b.length / 2;
        System.arraycopy(w, 0, w, half * length, half * length);
        System.arraycopy(b, 0, b, half, half);
      }
      case NOT_A_NUMBER -> w[random.nextInt(w.length)] = Float.NaN;
      default -> {}
    }
  }

  private static void scale(float[] w, int from, int end, float factor) {
    for (int i = from; i < end; i++) {
      w[i] *= factor;
    }
  }

  private static double rms(float[] w) {
    double squares = 0;
    for (float f : w) {
      squares += (double) f * f;
    }
    return Math.sqrt(squares / w.length);
  }

  private static <T> T pick(List<T> from, SplittableRandom random) {
    return from.get(random.nextInt(from.size()));
  }

  /** Structure everywhere, no value below zero. */
  private static Sample photo(long seed) {
    Tensor t = Planted.textured(seed, 3, SIDE, SIDE).tensor();
    float[] x = t.toFloats();
    for (int i = 0; i < x.length; i++) {
      x[i] = 0.5f + 0.5f * x[i];
    }
    return new Sample("photo " + seed, Tensor.of(t.shape(), x), null);
  }

  private static Sample grey(float level) {
    float[] x = new float[3 * SIDE * SIDE];
    Arrays.fill(x, level);
    return new Sample("grey", Tensor.of(photo(1).tensor().shape(), x), null);
  }
}
