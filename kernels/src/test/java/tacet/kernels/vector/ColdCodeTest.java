package tacet.kernels.vector;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import tacet.kernels.Activation;
import tacet.kernels.ImageLayout;
import tacet.kernels.ImageLayout.Halo;
import tacet.kernels.Parallel;
import tacet.kernels.PoolSpec;
import tacet.kernels.SoftmaxSpec;
import tacet.kernels.ZeroCounts;

/** What is computed until C2 has compiled the SIMD methods is the same to the bit as what they compute. */
class ColdCodeTest {

  private static final int BYTES = 1 << 20;

  @BeforeAll
  static void simdAlone() {
    // Otherwise the methods compared with are plain code themselves at first.
    assumeFalse(Boolean.parseBoolean(System.getProperty("tacet.rehearse", "true")));
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4})
  void products(int vectors) {
    Random random = new Random(vectors);
    try (Arena arena = Arena.ofConfined()) {
      for (int rows : new int[] {1, 5, 6, 11, 12, 20, 60}) {
        int depth = 1 + random.nextInt(300);
        int leased = Scratchpad.lease(0);
        int a0 = leased + 3;
        float[] a = Scratchpad.ARRAY;
        float[] left = numbers(random, 70 * F32Tile.STRIDE);
        System.arraycopy(left, 0, a, leased, left.length);
        MemorySegment w = arena.allocate((long) depth * vectors * Lanes.BYTES, 64);
        fill(random, w);
        MemorySegment simd = arena.allocate(BYTES, 64);
        MemorySegment plain = arena.allocate(BYTES, 64);
        int b0 = leased + GemmConvolution.LEFT;
        GemmConvolution.product(vectors, rows, a, a0, depth, w, 0, b0, simd, 64);
        ColdCode.product(vectors, rows, a, a0, depth, w, 0, plain, 64);
        Scratchpad.release(leased);
        long bytes = (long) rows * vectors * Lanes.BYTES;
        assertEquals(-1, simd.asSlice(64, bytes).mismatch(plain.asSlice(64, bytes)));
      }
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 3, 4})
  void productsInPlace(int vectors) {
    Random random = new Random(vectors);
    try (Arena arena = Arena.ofConfined()) {
      for (int rows : new int[] {1, 5, 6, 13, 60}) {
        for (boolean run : new boolean[] {true, false}) {
          int depth = 1 + random.nextInt(300);
          long[] at = new long[depth + 2];
          Arrays.setAll(at, k -> 4L * random.nextInt(1000));
          long[] sources = new long[rows + 6];
          Arrays.setAll(sources, r -> 64 + r * (run ? Lanes.BYTES : 40L));
          MemorySegment w = arena.allocate((long) depth * vectors * Lanes.BYTES, 64);
          fill(random, w);
          MemorySegment simd = arena.allocate(BYTES, 64);
          fill(random, simd);
          MemorySegment plain = arena.allocate(BYTES, 64);
          plain.copyFrom(simd);
          long to = BYTES / 2;
          DirectConvolution.product(vectors, simd, sources, run, rows, at, 2, depth, w, 0, to);
          ColdCode.product(vectors, plain, sources, 0, rows, at, 2, depth, w, 0, to);
          long bytes = (long) rows * vectors * Lanes.BYTES;
          assertEquals(-1, simd.asSlice(to, bytes).mismatch(plain.asSlice(to, bytes)));
        }
      }
    }
  }

  @Test
  void gathering() {
    Random random = new Random(9);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment m = arena.allocate(BYTES, 64);
      fill(random, m);
      // Neighbours among others.
      int rows = 33;
      for (int r = 0; r < rows; r++) {
        long place = 4096L + 4L * random.nextInt(1000);
        if (r > 5 && r < 20 && r != 9) {
          place = 4096L + (long) r * Lanes.BYTES;
        }
        m.set(ValueLayout.JAVA_LONG_UNALIGNED, r * 8L, place);
      }
      long[] sources = new long[150];
      for (int k = 0; k < sources.length; k++) {
        sources[k] = 4L * (k + 40 * (k / 7));
      }
      Operand.Panel panel = Operand.of(sources).panels().getFirst();
      float[] plain = new float[(rows + 1) * F32Tile.STRIDE];
      ColdCode.gather(m, panel, 0, rows, plain, 5);
      int leased = Scratchpad.lease(0);
      Operand.gather(m, panel, 0, rows, true, leased + 5);
      for (int r = 0; r < rows; r++) {
        for (int k = 0; k < panel.depth(); k++) {
          int i = 5 + r * F32Tile.STRIDE + k;
          assertEquals(plain[i], Scratchpad.ARRAY[leased + i]);
        }
      }
      Scratchpad.release(leased);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void softmax(boolean logarithm) {
    Random random = new Random(8);
    for (int channels : new int[] {1, Lanes.COUNT, 10, 37, 1000}) {
      ImageLayout layout = ImageLayout.of(1, channels, 1, 1, Lanes.COUNT, Halo.NONE);
      long bytes = (long) channels * Float.BYTES;
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment m = arena.allocate(BYTES, 64);
        for (int c = 0; c < channels; c++) {
          // Far from the largest one e^x is subnormal, then zero.
          m.setAtIndex(ValueLayout.JAVA_FLOAT, c, 220 * (random.nextFloat() - 0.5f));
        }
        long to = 1 << 18;
        long plain = 1 << 19;
        long step = layout.blockStride();
        new ChannelSoftmax(new SoftmaxSpec(1, channels, 1, 1, logarithm), layout, layout)
            .run(m, new long[] {0}, to, 0, Parallel.serial(), null);
        ColdCode.softmax(m, 0, step, plain, step, channels, logarithm);
        assertEquals(-1, m.asSlice(to, bytes).mismatch(m.asSlice(plain, bytes)));
      }
    }
  }

  @Test
  void finishing() {
    Random random = new Random(4);
    Activation clamp = new Activation(Activation.Kind.CLIP, 0f, 0.5f);
    for (Activation f : List.of(Activation.IDENTITY, Activation.RELU, clamp)) {
      for (float tau : new float[] {0f, 0.05f}) {
        for (int vectors = 1; vectors <= 4; vectors++) {
          try (Arena arena = Arena.ofConfined()) {
            finishing(arena, random, vectors, f, tau);
          }
        }
      }
    }
  }

  private static void finishing(Arena arena, Random random, int vectors, Activation f, float tau) {
    int rows = 17;
    long step = (long) vectors * Lanes.BYTES;
    MemorySegment simd = arena.allocate(BYTES, 64);
    long tile = 4096;
    long out = 1 << 19;
    for (int i = 0; i < rows * vectors * Lanes.COUNT; i++) {
      // Quarters: sums with a bias of quarters are often zero, and some are NaN.
      float x = i % 97 == 0 ? Float.NaN : (random.nextInt(9) - 4) / 4f;
      simd.set(ValueLayout.JAVA_FLOAT, tile + 4L * i, x);
    }
    for (int r = 0; r < rows; r++) {
      simd.set(ValueLayout.JAVA_LONG_UNALIGNED, r * 8L, (rows - r) * 128L);
    }
    float[] bias = new float[vectors * Lanes.COUNT];
    for (int i = 0; i < bias.length; i++) {
      bias[i] = (random.nextInt(5) - 2) / 4f;
    }
    MemorySegment b = Epilogue.bias(bias, vectors, arena);
    MemorySegment plain = arena.allocate(BYTES, 64);
    plain.copyFrom(simd);
    ZeroCounts counts = new ZeroCounts(vectors * Lanes.COUNT, 2, tau);
    long far = 8192;
    CountingEpilogue.finish(
        simd, tile, rows, vectors, vectors, b, 0, 0, out, far, f, counts, counts.slab(0), 0);
    boolean rectify = !f.isIdentity();
    float upper = VectorActivation.upper(f);
    int[] cold = counts.slab(1);
    ColdCode.finish(
        plain, tile, rows, vectors, step, b, 0, 0, out, far, rectify, upper, counts, cold, 0);
    assertEquals(-1, simd.mismatch(plain));
    assertArrayEquals(counts.slab(0), cold);
  }

  @ParameterizedTest
  @ValueSource(booleans = {true, false})
  void pooling(boolean max) {
    Random random = new Random(5);
    int v = Lanes.COUNT;
    PoolSpec spec = new PoolSpec(1, v, 6, 5, 3, 3, 3, 3, 2, 2, 2, 1, 2, 1, 2, 1, max, false);
    ImageLayout in = ImageLayout.of(1, v, 6, 5, v, Halo.NONE);
    ImageLayout out = ImageLayout.of(1, v, 3, 3, v, Halo.NONE);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment m = arena.allocate(BYTES, 64);
      fill(random, m);
      m.set(ValueLayout.JAVA_FLOAT, 0, Float.NaN);
      long to = 1 << 19;
      ZeroCounts counts = new ZeroCounts(v, 2, 0.3f);
      Pooling pooling = new Pooling(spec, in, out);
      pooling.run(m, new long[] {0}, to, 1 << 18, Parallel.serial(), counts);
      int[] slab = new int[counts.slab(0).length];
      long bytes = out.elements() * Float.BYTES;
      pooling.coldRows(m, 0, to + (1 << 16), 0, counts, slab, 0, spec.outHeight());
      MemorySegment simd = m.asSlice(to, bytes);
      assertTrue(Float.isNaN(simd.get(ValueLayout.JAVA_FLOAT, 0)));
      assertEquals(-1, simd.mismatch(m.asSlice(to + (1 << 16), bytes)));
      assertArrayEquals(counts.slab(0), slab);
    }
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 4})
  void transforms(int tile) {
    Random random = new Random(6);
    int patch = tile + 2;
    int points = patch * patch;
    long to = 1 << 19;
    long row = 9 * Lanes.BYTES;
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment m = arena.allocate(BYTES, 64);
      fill(random, m);
      int[] offsets = new int[points];
      Arrays.setAll(offsets, p -> (points - p) * Lanes.COUNT);
      float[] simd = new float[(points + 2) * Lanes.COUNT];
      int half = Scratchpad.lease(0);
      WinogradPatch.input(tile, m, 0, row, Lanes.BYTES, half, simd, 3, offsets);
      float[] plain = new float[simd.length];
      ColdCode.transformInput(tile, m, 0, row, Lanes.BYTES, plain, 3, offsets);
      assertArrayEquals(simd, plain);

      long step = 3 * Lanes.BYTES;
      long pixel = 2L * Lanes.BYTES;
      WinogradPatch.output(tile, m, 0, step, half, to, pixel);
      Scratchpad.release(half);
      ColdCode.transformOutput(tile, m, 0, step, to + (1 << 16), 2 * Lanes.BYTES);
      for (int p = 0; p < tile * tile; p++) {
        MemorySegment simdPixel = m.asSlice(to + p * 2L * Lanes.BYTES, Lanes.BYTES);
        assertEquals(
            -1, simdPixel.mismatch(m.asSlice(to + (1 << 16) + p * 2L * Lanes.BYTES, Lanes.BYTES)));
      }
    }
  }

  private static float[] numbers(Random random, int n) {
    float[] x = new float[n];
    for (int i = 0; i < n; i++) {
      x[i] = random.nextFloat() - 0.5f;
    }
    return x;
  }

  private static void fill(Random random, MemorySegment m) {
    for (long i = 0; i < m.byteSize(); i += 4) {
      m.set(ValueLayout.JAVA_FLOAT, i, random.nextFloat() - 0.5f);
    }
  }
}
