package tacet.kernels.vector;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;

/**
 * The machine's vectors, and loads and stores of them at byte offsets.
 *
 * <p>No kernel looks at the bits of its vectors ({@code reinterpretAsInts} and the like). Until it is compiled, that goes through
 * a segment on the heap, by the same methods as all loads and stores. C2 sees in their profiles that segments of both kinds
 * come by, and from then on a store in any kernel tests its segment's class, scope and size again: some thirty instructions
 * instead of six. Nor does it rely on profiles alone: see {@link #known}.
 */
final class Lanes {

  static final VectorSpecies<Float> FLOATS = FloatVector.SPECIES_PREFERRED;
  static final VectorSpecies<Integer> INTS = IntVector.SPECIES_PREFERRED;

  /** Floats per vector: 16, 8 or 4. */
  static final int COUNT = FLOATS.length();

  /** Bytes per vector. */
  static final int BYTES = COUNT * Float.BYTES;

  /** Whether a fused multiply-add is an instruction; without one {@code fma} is computed in BigDecimal. */
  static final boolean HAS_FMA = measureFma();

  /** Vectors that hold accumulators without spilling: 32 registers on AVX-512 and NEON, 16 elsewhere. */
  static final boolean MANY_REGISTERS =
      COUNT == 16 || "aarch64".equals(System.getProperty("os.arch"));

  /**
   * Whether micro-kernels that load where lists say so load from arrays, of which the {@link Scratchpad} is not checked at all,
   * while of a memory segment every vector is. But an array's vectors of 512 bits are aligned by chance, and half as fast where
   * they are not.
   */
  static final boolean LISTED_IN_ARRAYS = COUNT < 16;

  static final ByteOrder ORDER = ByteOrder.nativeOrder();
  static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;

  static {
    // While no heap segment exists, C2 takes all segments for native ones, and throws every kernel
    // away when the first appears.
    MemorySegment.ofArray(new byte[0]);
    MemorySegment.ofArray(new float[0]);
  }

  private static final Class<?> NATIVE = Arena.global().allocate(1).getClass();

  private static final VectorShuffle<Float> HALVES = swapped(COUNT / 2);
  private static final VectorShuffle<Float> QUARTERS = swapped(COUNT / 4);
  private static final VectorShuffle<Float> EIGHTHS = swapped(COUNT / 8);
  private static final VectorShuffle<Float> SIXTEENTHS = swapped(COUNT / 16);

  private Lanes() {}

  /**
   * The same memory, whose class C2 knows from here on. It may learn that from profiles of the JDK's methods, too, but in some
   * processes it does not, and tests the class at each access.
   *
   * @throws IllegalArgumentException for segments that arenas do not allocate: on the heap, or of a mapped file
   */
  static MemorySegment known(MemorySegment m) {
    if (m.getClass() != NATIVE) {
      throw new IllegalArgumentException("not allocated in an arena: " + m);
    }
    return m;
  }

  private static VectorShuffle<Float> swapped(int distance) {
    return VectorShuffle.fromOp(FLOATS, i -> i ^ distance);
  }

  /**
   * The sum of all lanes, halves first. {@code reduceLanes} leaves the order open, and takes another in compiled code than
   * in the interpreter, so that results of one input would differ.
   */
  static float sum(FloatVector v) {
    FloatVector sum = v.add(v.rearrange(HALVES));
    sum = sum.add(sum.rearrange(QUARTERS));
    sum = COUNT < 8 ? sum : sum.add(sum.rearrange(EIGHTHS));
    sum = COUNT < 16 ? sum : sum.add(sum.rearrange(SIXTEENTHS));
    return sum.lane(0);
  }

  static FloatVector load(MemorySegment m, long offset) {
    return FloatVector.fromMemorySegment(FLOATS, m, offset, ORDER);
  }

  static void store(FloatVector v, MemorySegment m, long offset) {
    v.intoMemorySegment(m, offset, ORDER);
  }

  static FloatVector broadcast(MemorySegment m, long offset) {
    return FloatVector.broadcast(FLOATS, m.get(FLOAT, offset));
  }

  /** a · b + c, rounded once where the machine can. */
  static FloatVector fma(FloatVector a, FloatVector b, FloatVector c) {
    return HAS_FMA ? a.fma(b, c) : a.mul(b).add(c);
  }

  /** a · b + c, rounded once where vectors are. */
  static float fma(float a, float b, float c) {
    return HAS_FMA ? Math.fma(a, b, c) : a * b + c;
  }

  /**
   * The JDK has no query for it. With the instruction 32 calls take about a microsecond even interpreted; without it
   * each call makes BigDecimals.
   */
  private static boolean measureFma() {
    long best = Long.MAX_VALUE;
    float x = 1.1f;
    for (int round = 0; round < 5; round++) {
      long start = System.nanoTime();
      for (int i = 0; i < 32; i++) {
        x = Math.fma(x, 0.9f, 0.1f);
      }
      best = Math.min(best, System.nanoTime() - start);
    }
    return best < 10_000 && !Float.isNaN(x);
  }
}
