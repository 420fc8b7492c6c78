package tacet.kernels.vector;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import tacet.kernels.ZeroCounts;

/**
 * Runs the {@link ColdCode plain code} of convolutions on memory of its own, a little whenever one of the first convolutions
 * in the life of a JVM is prepared. C2 has little to do until a network is planned: what it compiles meanwhile, the first
 * inference need not wait for.
 */
final class Practice {

  /** After so many C2 has all of it on its list. */
  private static final int ROUNDS = 200;

  /** Nanoseconds after which no further round begins. */
  private static final long MOST = 1_000_000;

  private static final int ROWS = 12;
  private static final int DEPTH = 16;
  private static final int VECTORS = 2;
  private static final int TILE = 4;
  private static final int POINTS = (TILE + 2) * (TILE + 2);

  /** Null when it is over. */
  private static Practice current = Rehearsal.WANTED ? new Practice() : null;

  private final long products = POINTS * DEPTH * (long) Lanes.BYTES;
  private final long outputs = 2 * products;
  private final long places = 3 * products;
  private final float[] rows = new float[ROWS * F32Tile.STRIDE];
  private final float[] maxima = new float[ROWS * Lanes.COUNT];
  private final Operand.Panel panel;
  private final int[] points = new int[POINTS];
  private final ZeroCounts counts = new ZeroCounts(VECTORS * Lanes.COUNT, 1, 1);
  private int rounds;

  private Practice() {
    for (int i = 0; i < rows.length; i++) {
      rows[i] = i % 7 - 3;
    }
    long[] sources = new long[DEPTH];
    for (int k = 0; k < DEPTH; k++) {
      sources[k] = (long) k * Float.BYTES;
    }
    panel = Operand.of(sources).panels().getFirst();
    for (int p = 0; p < POINTS; p++) {
      points[p] = p * Lanes.COUNT;
    }
  }

  /** A millisecond of it, if it is not over. */
  static synchronized void some() {
    if (current == null) {
      return;
    }
    long start = System.nanoTime();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment memory = current.memory(arena);
      do {
        current.round(memory);
      } while (current.rounds < ROUNDS && System.nanoTime() - start < MOST);
    }
    if (current.rounds == ROUNDS) {
      current = null;
    }
  }

  private MemorySegment memory(Arena arena) {
    MemorySegment memory = arena.allocate(4 * products, 64);
    MemorySegment.copy(rows, 0, memory, Lanes.FLOAT, 0, DEPTH * VECTORS * Lanes.COUNT);
    for (int r = 0; r < ROWS; r++) {
      memory.set(ValueLayout.JAVA_LONG_UNALIGNED, places + r * 8L, (long) r * Lanes.BYTES);
    }
    return memory;
  }

  private void round(MemorySegment memory) {
    ColdCode.gather(memory, panel, places, ROWS, rows, 0);
    ColdCode.product(VECTORS, ROWS, rows, 0, DEPTH, memory, 0, memory, products);
    ColdCode.transformInput(TILE, memory, 0, 0, Lanes.BYTES, rows, 0, points);
    ColdCode.transformOutput(TILE, memory, 0, Lanes.BYTES, outputs, Lanes.BYTES);
    ColdCode.finish(
        memory,
        products,
        ROWS,
        VECTORS,
        VECTORS * (long) Lanes.BYTES,
        memory,
        0,
        places,
        outputs,
        ROWS * (long) Lanes.BYTES,
        rounds % 2 == 0,
        Float.POSITIVE_INFINITY,
        counts,
        counts.slab(0),
        0);
    ColdCode.maximum(maxima, 0, rows, 0, maxima.length);
    rounds++;
  }
}
