package tacet.kernels.vector;

import static tacet.kernels.vector.Lanes.FLOATS;
import static tacet.kernels.vector.Lanes.ORDER;

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

  static {
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
   * Gathers the rows of a panel.
   *
   * @param m memory of the image
   * @param places byte offset in {@code m} of a long per row: the byte offset of the row's first input
   * @param rows number of rows
   * @param a receives row r from {@code a0 + r · STRIDE} on
   */
  static void gather(MemorySegment m, Panel panel, long places, int rows, float[] a, int a0) {
    if (panel.end > 0 && !endsWithin(m, panel.end, places, rows)) {
      gatherSingly(m, panel, places, rows, a, a0);
      return;
    }
    if (!GATHER.isDone()) {
      long start = System.nanoTime();
      if (GATHER.isDue()) {
        int some = Math.min(rows, REHEARSED_ROWS);
        gatherVectors(m, panel, places, some, a, a0);
        GATHER.rehearsed(start, 2L * some * panel.from.length);
        start = System.nanoTime();
      }
      ColdCode.gather(m, panel, places, rows, a, a0);
      GATHER.computed(start);
      return;
    }
    gatherVectors(m, panel, places, rows, a, a0);
  }

  /** Whether rows are gathered by compiled code. */
  static boolean isSettled() {
    return GATHER.isDone();
  }

  private static void gatherVectors(
      MemorySegment m, Panel panel, long places, int rows, float[] a, int a0) {
    m = Lanes.known(m);
    int i = 0;
    for (; i + 4 <= panel.from.length; i += 4) {
      gatherFour(m, panel, i, places, rows, a, a0);
    }
    for (; i < panel.from.length; i++) {
      long from = panel.from[i];
      int to = a0 + panel.to[i];
      for (int r = 0; r < rows; r++) {
        long x = m.get(ValueLayout.JAVA_LONG_UNALIGNED, places + r * 8L) + from;
        FloatVector.fromMemorySegment(FLOATS, m, x, ORDER).intoArray(a, to + r * F32Tile.STRIDE);
      }
    }
  }

  /** Four copies for all rows: one look at a row's place serves them all, and what is written of it are whole cache lines. */
  private static void gatherFour(
      MemorySegment m, Panel panel, int i, long places, int rows, float[] a, int a0) {
    m = Lanes.known(m);
    long from0 = panel.from[i];
    long from1 = panel.from[i + 1];
    long from2 = panel.from[i + 2];
    long from3 = panel.from[i + 3];
    int to0 = a0 + panel.to[i];
    int to1 = a0 + panel.to[i + 1];
    int to2 = a0 + panel.to[i + 2];
    int to3 = a0 + panel.to[i + 3];
    for (int r = 0; r < rows; r++) {
      long x = m.get(ValueLayout.JAVA_LONG_UNALIGNED, places + r * 8L);
      int o = r * F32Tile.STRIDE;
      FloatVector.fromMemorySegment(FLOATS, m, x + from0, ORDER).intoArray(a, to0 + o);
      FloatVector.fromMemorySegment(FLOATS, m, x + from1, ORDER).intoArray(a, to1 + o);
      FloatVector.fromMemorySegment(FLOATS, m, x + from2, ORDER).intoArray(a, to2 + o);
      FloatVector.fromMemorySegment(FLOATS, m, x + from3, ORDER).intoArray(a, to3 + o);
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

  private static void gatherSingly(
      MemorySegment m, Panel panel, long places, int rows, float[] a, int a0) {
    for (int r = 0; r < rows; r++) {
      long x = m.get(ValueLayout.JAVA_LONG_UNALIGNED, places + r * 8L);
      for (int i = 0; i < panel.from.length; i++) {
        int end = i + 1 < panel.to.length ? panel.to[i + 1] : panel.depth;
        for (int k = panel.to[i]; k < end; k++) {
          a[a0 + r * F32Tile.STRIDE + k] =
              m.get(Lanes.FLOAT, x + panel.from[i] + (long) (k - panel.to[i]) * Float.BYTES);
        }
      }
    }
  }
}
