package tacet.kernels;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;

/**
 * The weights of a convolution or dense layer where they lie – in a mapped file, say: a matrix of
 * outputs and of what each sums over, float32 in native byte order at any alignment. Threads that
 * pack them must be able to read the memory.
 */
public final class Weights {

  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

  /** Weights that are looked at together. */
  private static final int PIECE = 1 << 14;

  /** Weights that a first look is at: so many runs of so many neighbours. */
  private static final int SAMPLED_RUNS = 64;

  private static final int SAMPLED_RUN = 64;

  private static final long MAGNITUDES = 0x7fff_ffff_7fff_ffffL;
  private static final long SIGNS = ~MAGNITUDES;
  private static final long LEAST_EXPONENTS = 0x0080_0000_0080_0000L;

  /** Two ones. */
  private static final long ONES = 0x3f80_0000_3f80_0000L;

  /** Extent of what is transposed at a time. */
  private static final int TILE = 32;

  private final MemorySegment data;
  private final int count;
  private final int outputs;
  private final boolean inputMajor;
  private Survey survey;

  /** What all of them are. */
  private record Survey(long zeros, boolean finite) {}

  private Weights(MemorySegment data, int outputs, boolean inputMajor) {
    this.data = data;
    this.count = Math.toIntExact(data.byteSize() / Float.BYTES);
    this.outputs = outputs;
    this.inputMajor = inputMajor;
  }

  /** Weights [M, …], row-major: all of the first output, then all of the next. */
  public static Weights of(MemorySegment data) {
    return new Weights(data, 0, false);
  }

  /** Weights [M, …], row-major, on the heap; not copied. */
  public static Weights of(float... values) {
    return of(MemorySegment.ofArray(values));
  }

  /**
   * Weights [K, M], row-major: those of the first input for all outputs, then those of the next.
   */
  public static Weights inputMajor(MemorySegment data, int outputs) {
    return new Weights(data, outputs, true);
  }

  /** Number of weights. */
  public int count() {
    return count;
  }

  /** Whether those of one input are neighbours, and not those of one output. */
  public boolean isInputMajor() {
    return inputMajor;
  }

  /**
   * Copies neighbours.
   *
   * @param from number of the first one, as they lie
   */
  public void copy(long from, float[] to, int at, int length) {
    MemorySegment.copy(data, FLOAT, from * Float.BYTES, to, at, length);
  }

  /** One weight, by its number as they lie. */
  public float get(long number) {
    return data.get(FLOAT, number * Float.BYTES);
  }

  /** A copy of all, [M, …] row-major. */
  public float[] toFloats() {
    float[] values = new float[count];
    if (!inputMajor) {
      copy(0, values, 0, count);
      return values;
    }
    // A piece at a time whose lines stay in the cache.
    int inputs = count / outputs;
    float[] line = new float[TILE];
    for (int i = 0; i < inputs; i += TILE) {
      for (int j = 0; j < outputs; j += TILE) {
        int length = Math.min(TILE, outputs - j);
        for (int row = i; row < Math.min(inputs, i + TILE); row++) {
          copy((long) row * outputs + j, line, 0, length);
          scatter(line, length, values, j * inputs + row, inputs);
        }
      }
    }
    return values;
  }

  private static void scatter(float[] line, int length, float[] to, int at, int step) {
    for (int j = 0; j < length; j++) {
      to[at + j * step] = line[j];
    }
  }

  /** Share of zeros, 0 to 1, among some thousand of them that are spread evenly. */
  public double sampledZeroShare() {
    if (count == 0) {
      return 0;
    }
    float[] run = new float[Math.min(count, SAMPLED_RUN)];
    int runs = Math.min(count / run.length, SAMPLED_RUNS);
    int zeros = 0;
    for (int i = 0; i < runs; i++) {
      copy((long) i * (count - run.length) / runs, run, 0, run.length);
      for (float w : run) {
        zeros += w == 0f ? 1 : 0;
      }
    }
    return (double) zeros / (runs * run.length);
  }

  /** Share of zeros, 0 to 1. */
  public double zeroShare(Parallel parallel) {
    return (double) survey(parallel).zeros / count;
  }

  /** Whether there is neither NaN nor an infinity among them. */
  public boolean isFinite(Parallel parallel) {
    return survey(parallel).finite;
  }

  private Survey survey(Parallel parallel) {
    if (survey == null) {
      AtomicLong zeros = new AtomicLong();
      AtomicBoolean odd = new AtomicBoolean();
      parallel.forEach(
          Math.ceilDiv(count, PIECE),
          (item, thread) -> {
            int length = Math.min(PIECE, count - item * PIECE);
            long[] pairs = parallel.longs(thread, PIECE / 2 + 1);
            pairs[length / 2] = ONES;
            MemorySegment.copy(
                data,
                (long) item * PIECE * Float.BYTES,
                MemorySegment.ofArray(pairs),
                0,
                length * 4L);
            int all = (length + 1) / 2;
            zeros.addAndGet(zeros(pairs, all));
            if (!isFinite(pairs, all)) {
              odd.set(true);
            }
          });
      survey = new Survey(zeros.get(), !odd.get());
    }
    return survey;
  }

  // Two at a time, as integers, in loops that the compiler makes vectors of. Without its sign a
  // number is below 2³¹ and zero alone is 0; what is not finite is at least that of infinity.

  private static long zeros(long[] pairs, int length) {
    long others = 0;
    for (int i = 0; i < length; i++) {
      others += Long.bitCount((pairs[i] & MAGNITUDES) + MAGNITUDES & SIGNS);
    }
    return 2L * length - others;
  }

  private static boolean isFinite(long[] pairs, int length) {
    long odd = 0;
    for (int i = 0; i < length; i++) {
      odd |= (pairs[i] & MAGNITUDES) + LEAST_EXPONENTS;
    }
    return (odd & SIGNS) == 0;
  }
}
