package tacet.kernels.vector;

import static tacet.kernels.vector.F32Tile.COLUMN_MASK;
import static tacet.kernels.vector.Lanes.FLOATS;
import static tacet.kernels.vector.Lanes.ORDER;
import static tacet.kernels.vector.Scratchpad.ARRAY;
import static tacet.kernels.vector.Scratchpad.MASK;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import jdk.incubator.vector.FloatVector;

/**
 * How the left operand of a convolution's matrix product – a row per output pixel, a column per weight of a filter – is
 * gathered from an image. Where each column lies, relative to the pixel's first input, is the same for all pixels; so is
 * the list of vector copies that gather a row. Kernel extents, dilation, groups, layout: all of them are nothing but a
 * different list.
 *
 * @param depth number of columns
 * @param panels the columns cut into pieces whose weights stay in the second-level cache
 */
record Operand(int depth, List<Panel> panels) {

  /** Most columns of a panel: the weights of 64 output channels for that many take 128 kB of second-level cache. */
  private static final int MOST_COLUMNS = 512;

  private static final Rehearsal GATHER = new Rehearsal();

  private static final int REHEARSED_ROWS = 8;

  /** Shorter runs of neighbours are not worth a loop of their own. */
  private static final int LEAST_RUN = 8;

  static {
    assert COLUMN_MASK + Lanes.COUNT < Scratchpad.REACH;
    // Behind a row's last column there is room for what its last vector copies too much.
    assert MOST_COLUMNS + Lanes.COUNT <= F32Tile.STRIDE;
  }

  /**
   * Consecutive columns.
   *
   * @param first first column
   * @param depth number of columns
   * @param from byte distance in the image per copy
   * @param to first column written per copy, counted from {@code first}; what a copy writes behind the columns it is for
   *     is overwritten by those that follow
   * @param end byte distance at which the farthest copy ends where it reads beyond the columns it is for, else 0
   */
  record Panel(int first, int depth, long[] from, int[] to, long end) {}

  /**
   * @param sources for each column the byte distance of its element
   */
  static Operand of(long[] sources) {
    int count = Math.ceilDiv(sources.length, MOST_COLUMNS);
    List<Panel> panels = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      int first = (int) ((long) sources.length * i / count);
      int end = (int) ((long) sources.length * (i + 1) / count);
      panels.add(panel(sources, first, end));
    }
    return new Operand(sources.length, List.copyOf(panels));
  }

  private static Panel panel(long[] sources, int first, int end) {
    long[] from = new long[end - first];
    int[] to = new int[end - first];
    int copies = 0;
    long reach = 0;
    for (int k = first; k < end; copies++) {
      int run = 1;
      while (run < Lanes.COUNT
          && k + run < end
          && sources[k + run] == sources[k] + (long) run * Float.BYTES) {
        run++;
      }
      from[copies] = sources[k];
      to[copies] = k - first;
      if (run < Lanes.COUNT) {
        reach = Math.max(reach, sources[k] + Lanes.BYTES);
      }
      k += run;
    }
    return new Panel(
        first, end - first, Arrays.copyOf(from, copies), Arrays.copyOf(to, copies), reach);
  }

  /**
   * Gathers the rows of a panel in the {@link Scratchpad}.
   *
   * @param m memory of the image
   * @param places byte offset in {@code m} of a long per row: the byte offset of the row's first input
   * @param rows number of rows
   * @param neighbours whether rows may lie in memory a vector behind one another, as pixels do in a row of blocks of channels
   * @param a0 index of the first row; row r begins at {@code a0 + r · STRIDE}
   */
  static void gather(
      MemorySegment m, Panel panel, long places, int rows, boolean neighbours, int a0) {
    if (panel.end > 0 && !endsWithin(m, panel.end, places, rows)) {
      gatherSingly(m, panel, places, rows, a0);
      return;
    }
    if (!GATHER.isDone()) {
      long start = System.nanoTime();
      if (GATHER.isDue()) {
        // Both ways, whichever these rows take: others will take the other.
        int some = Math.min(rows, REHEARSED_ROWS);
        gatherRun(m, panel, place(m, places, 0), available(m, panel, places, some), a0);
        gatherScattered(m, panel, places, 0, some, a0);
        GATHER.rehearsed(start, 4L * some * panel.from.length);
        start = System.nanoTime();
      }
      ColdCode.gather(m, panel, places, rows, Scratchpad.ARRAY, a0);
      GATHER.computed(start);
      return;
    }
    if (neighbours) {
      gatherVectors(m, panel, places, rows, a0);
    } else {
      gatherScattered(m, panel, places, 0, rows, a0);
    }
  }

  /** Whether rows are gathered by compiled code. */
  static boolean isSettled() {
    return GATHER.isDone();
  }

  private static void gatherVectors(MemorySegment m, Panel panel, long places, int rows, int a0) {
    int r = 0;
    while (r < rows) {
      int end = endOfRun(m, places, r, rows);
      if (end - r >= LEAST_RUN) {
        gatherRun(m, panel, place(m, places, r), end - r, a0 + r * F32Tile.STRIDE);
      } else {
        for (int next = end; next < rows && next - end < LEAST_RUN; ) {
          end = next;
          next = endOfRun(m, places, end, rows);
        }
        gatherScattered(m, panel, places, r, end, a0);
      }
      r = end;
    }
  }

  private static long place(MemorySegment m, long places, int row) {
    return m.get(ValueLayout.JAVA_LONG_UNALIGNED, places + row * 8L);
  }

  /** The row behind {@code row} and those that lie in memory a vector behind one another. */
  private static int endOfRun(MemorySegment m, long places, int row, int rows) {
    long place = place(m, places, row);
    int end = row + 1;
    while (end < rows && place(m, places, end) == place + (long) (end - row) * Lanes.BYTES) {
      end++;
    }
    return end;
  }

  /** How many of {@code rows} such neighbours the memory has from the first row on. */
  private static int available(MemorySegment m, Panel panel, long places, int rows) {
    long reach = place(m, places, 0) + Lanes.BYTES;
    for (long from : panel.from) {
      reach = Math.max(reach, place(m, places, 0) + from + Lanes.BYTES);
    }
    return (int) Math.min(rows, 1 + (m.byteSize() - reach) / Lanes.BYTES);
  }

  /** Rows whose first inputs are neighbours: the distance is known to C2, so that no row is checked. */
  private static void gatherRun(MemorySegment m, Panel panel, long x, int rows, int a0) {
    int i = 0;
    for (; i + 4 <= panel.from.length; i += 4) {
      runOfFour(m, panel, i, x, rows, a0);
    }
    for (; i < panel.from.length; i++) {
      runOfOne(m, x + panel.from[i], rows, a0 + panel.to[i]);
    }
  }

  private static void runOfOne(MemorySegment m, long x, int rows, int to) {
    m = Lanes.known(m);
    for (int r = 0; r < rows; r++) {
      Lanes.load(m, x + (long) r * Lanes.BYTES).intoArray(ARRAY, (to + r * F32Tile.STRIDE) & MASK);
    }
  }

  /** Four copies for all rows: what is written of a row are whole cache lines. */
  private static void runOfFour(MemorySegment m, Panel panel, int i, long x, int rows, int a0) {
    m = Lanes.known(m);
    long x0 = x + panel.from[i];
    long x1 = x + panel.from[i + 1];
    long x2 = x + panel.from[i + 2];
    long x3 = x + panel.from[i + 3];
    int to0 = panel.to[i] & COLUMN_MASK;
    int to1 = panel.to[i + 1] & COLUMN_MASK;
    int to2 = panel.to[i + 2] & COLUMN_MASK;
    int to3 = panel.to[i + 3] & COLUMN_MASK;
    for (int r = 0; r < rows; r++) {
      long o = (long) r * Lanes.BYTES;
      int a = (a0 + r * F32Tile.STRIDE) & MASK;
      FloatVector.fromMemorySegment(FLOATS, m, x0 + o, ORDER).intoArray(ARRAY, a + to0);
      FloatVector.fromMemorySegment(FLOATS, m, x1 + o, ORDER).intoArray(ARRAY, a + to1);
      FloatVector.fromMemorySegment(FLOATS, m, x2 + o, ORDER).intoArray(ARRAY, a + to2);
      FloatVector.fromMemorySegment(FLOATS, m, x3 + o, ORDER).intoArray(ARRAY, a + to3);
    }
  }

  private static void gatherScattered(
      MemorySegment m, Panel panel, long places, int first, int end, int a0) {
    int i = 0;
    for (; i + 4 <= panel.from.length; i += 4) {
      scatteredFour(m, panel, i, places, first, end, a0);
    }
    for (; i < panel.from.length; i++) {
      scatteredOne(m, panel.from[i], places, first, end, a0 + panel.to[i]);
    }
  }

  private static void scatteredOne(
      MemorySegment m, long from, long places, int first, int end, int to) {
    m = Lanes.known(m);
    for (int r = first; r < end; r++) {
      Lanes.load(m, place(m, places, r) + from).intoArray(ARRAY, (to + r * F32Tile.STRIDE) & MASK);
    }
  }

  /** One look at a row's place serves four copies. */
  private static void scatteredFour(
      MemorySegment m, Panel panel, int i, long places, int first, int end, int a0) {
    m = Lanes.known(m);
    long from0 = panel.from[i];
    long from1 = panel.from[i + 1];
    long from2 = panel.from[i + 2];
    long from3 = panel.from[i + 3];
    int to0 = panel.to[i] & COLUMN_MASK;
    int to1 = panel.to[i + 1] & COLUMN_MASK;
    int to2 = panel.to[i + 2] & COLUMN_MASK;
    int to3 = panel.to[i + 3] & COLUMN_MASK;
    for (int r = first; r < end; r++) {
      long x = m.get(ValueLayout.JAVA_LONG_UNALIGNED, places + r * 8L);
      int a = (a0 + r * F32Tile.STRIDE) & MASK;
      FloatVector.fromMemorySegment(FLOATS, m, x + from0, ORDER).intoArray(ARRAY, a + to0);
      FloatVector.fromMemorySegment(FLOATS, m, x + from1, ORDER).intoArray(ARRAY, a + to1);
      FloatVector.fromMemorySegment(FLOATS, m, x + from2, ORDER).intoArray(ARRAY, a + to2);
      FloatVector.fromMemorySegment(FLOATS, m, x + from3, ORDER).intoArray(ARRAY, a + to3);
    }
  }

  /** Whether whole vectors may be read for every row: the last rows of an image may lie at the end of the memory. */
  private static boolean endsWithin(MemorySegment m, long end, long places, int rows) {
    for (int r = 0; r < rows; r++) {
      if (m.get(ValueLayout.JAVA_LONG_UNALIGNED, places + r * 8L) + end > m.byteSize()) {
        return false;
      }
    }
    return true;
  }

  private static void gatherSingly(MemorySegment m, Panel panel, long places, int rows, int a0) {
    for (int r = 0; r < rows; r++) {
      long x = m.get(ValueLayout.JAVA_LONG_UNALIGNED, places + r * 8L);
      for (int i = 0; i < panel.from.length; i++) {
        int end = i + 1 < panel.to.length ? panel.to[i + 1] : panel.depth;
        for (int k = panel.to[i]; k < end; k++) {
          ARRAY[a0 + r * F32Tile.STRIDE + k] =
              m.get(Lanes.FLOAT, x + panel.from[i] + (long) (k - panel.to[i]) * Float.BYTES);
        }
      }
    }
  }
}
