package tacet.kernels.vector;

import static tacet.kernels.vector.Lanes.COUNT;

import java.lang.foreign.MemorySegment;

/** The transforms of {@link WinogradTransforms} along both axes of a patch, for one vector of channels; in plain code at first. */
final class WinogradPatch {

  /** By the output pixels of a tile along each axis. */
  private static final Rehearsal[] INPUTS = Rehearsal.several(5);

  private static final Rehearsal[] OUTPUTS = Rehearsal.several(5);

  /** Vector operations per vector that a transform along one axis reads; about. */
  private static final int OPERATIONS = 4;

  /** Floats of a patch of the largest tiles. */
  static final int HALF = 36 * COUNT;

  private WinogradPatch() {}

  /** Whether patches for tiles of so many pixels along each axis are transformed by compiled code. */
  static boolean isSettled(int tile) {
    return INPUTS[tile].isDone() && OUTPUTS[tile].isDone();
  }

  /**
   * Bᵀ d B.
   *
   * @param source byte offset of the patch
   * @param rowStep bytes from a row of it to the next
   * @param columnStep bytes from a column to the next
   * @param half index in the scratchpad of {@link #HALF} floats of room
   * @param a receives the vector of point p at {@code to + offsets[p]}
   */
  static void input(
      int tile,
      MemorySegment m,
      long source,
      long rowStep,
      long columnStep,
      int half,
      float[] a,
      int to,
      int[] offsets) {
    Rehearsal rehearsal = INPUTS[tile];
    if (!rehearsal.isDone()) {
      long start = System.nanoTime();
      while (rehearsal.isDue()) {
        inputColumn(tile, m, source, rowStep, half);
        inputRow(tile, half, a, to, offsets, 0);
        rehearsal.rehearsed(start, 2L * (tile + 2) * OPERATIONS);
        start = System.nanoTime();
      }
      ColdCode.transformInput(tile, m, source, rowStep, columnStep, a, to, offsets);
      rehearsal.computed(start);
      return;
    }
    int patch = tile + 2;
    for (int j = 0; j < patch; j++) {
      inputColumn(tile, m, source + j * columnStep, rowStep, half + j * COUNT);
    }
    for (int r = 0; r < patch; r++) {
      inputRow(tile, half + r * patch * COUNT, a, to, offsets, r * patch);
    }
  }

  private static void inputColumn(int tile, MemorySegment m, long from, long step, int to) {
    if (tile == 2) {
      WinogradTransforms.inputColumn2(m, from, step, to);
    } else {
      WinogradTransforms.inputColumn4(m, from, step, to);
    }
  }

  private static void inputRow(int tile, int from, float[] a, int to, int[] offsets, int first) {
    if (tile == 2) {
      WinogradTransforms.inputRow2(from, a, to, offsets, first);
    } else {
      WinogradTransforms.inputRow4(from, a, to, offsets, first);
    }
  }

  /**
   * Aᵀ m A.
   *
   * @param source byte offset of the products of the first point
   * @param step bytes to those of the next
   * @param half index in the scratchpad of {@link #HALF} floats of room
   * @param pixel byte offset of the first output pixel
   * @param pixelStep bytes to the next; those of a row follow those of the row before
   */
  static void output(
      int tile, MemorySegment m, long source, long step, int half, long pixel, long pixelStep) {
    Rehearsal rehearsal = OUTPUTS[tile];
    int patch = tile + 2;
    if (!rehearsal.isDone()) {
      long start = System.nanoTime();
      while (rehearsal.isDue()) {
        outputColumn(tile, m, source, patch * step, half);
        outputRow(tile, half, m, pixel, pixelStep);
        rehearsal.rehearsed(start, 2L * patch * OPERATIONS);
        start = System.nanoTime();
      }
      ColdCode.transformOutput(tile, m, source, step, pixel, pixelStep);
      rehearsal.computed(start);
      return;
    }
    for (int j = 0; j < patch; j++) {
      outputColumn(tile, m, source + j * step, patch * step, half + j * COUNT);
    }
    for (int i = 0; i < tile; i++) {
      outputRow(tile, half + i * patch * COUNT, m, pixel + i * tile * pixelStep, pixelStep);
    }
  }

  private static void outputColumn(int tile, MemorySegment m, long from, long step, int to) {
    if (tile == 2) {
      WinogradTransforms.outputColumn2(m, from, step, to);
    } else {
      WinogradTransforms.outputColumn4(m, from, step, to);
    }
  }

  private static void outputRow(int tile, int from, MemorySegment m, long to, long step) {
    if (tile == 2) {
      WinogradTransforms.outputRow2(from, m, to, step);
    } else {
      WinogradTransforms.outputRow4(from, m, to, step);
    }
  }
}
