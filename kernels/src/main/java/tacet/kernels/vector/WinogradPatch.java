package tacet.kernels.vector;

import static tacet.kernels.vector.Lanes.BYTES;

import java.lang.foreign.MemorySegment;

/** The transforms of {@link WinogradTransforms} along both axes of a patch, for one vector of channels; in plain code at first. */
final class WinogradPatch {

  /** By the output pixels of a tile along each axis. */
  private static final Rehearsal[] INPUTS = Rehearsal.several(5);

  private static final Rehearsal[] OUTPUTS = Rehearsal.several(5);

  /** Vector operations per vector that a transform along one axis reads; about. */
  private static final int OPERATIONS = 4;

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
   * @param half byte offset of room for a patch
   * @param a receives the vector of point p at {@code to + offsets[p]}
   */
  static void input(
      int tile,
      MemorySegment m,
      long source,
      long rowStep,
      long columnStep,
      long half,
      float[] a,
      int to,
      int[] offsets) {
    Rehearsal rehearsal = INPUTS[tile];
    if (!rehearsal.isDone()) {
      long start = System.nanoTime();
      while (rehearsal.isDue()) {
        inputColumn(tile, m, source, rowStep, half);
        inputRow(tile, m, half, a, to, offsets, 0);
        rehearsal.rehearsed(start, 2L * (tile + 2) * OPERATIONS);
        start = System.nanoTime();
      }
      ColdCode.transformInput(tile, m, source, rowStep, columnStep, a, to, offsets);
      rehearsal.computed(start);
      return;
    }
    int patch = tile + 2;
    for (int j = 0; j < patch; j++) {
      inputColumn(tile, m, source + j * columnStep, rowStep, half + (long) j * BYTES);
    }
    for (int r = 0; r < patch; r++) {
      inputRow(tile, m, half + (long) r * patch * BYTES, a, to, offsets, r * patch);
    }
  }

  private static void inputColumn(int tile, MemorySegment m, long from, long step, long to) {
    if (tile == 2) {
      WinogradTransforms.inputColumn2(m, from, step, to);
    } else {
      WinogradTransforms.inputColumn4(m, from, step, to);
    }
  }

  private static void inputRow(
      int tile, MemorySegment m, long from, float[] a, int to, int[] offsets, int first) {
    if (tile == 2) {
      WinogradTransforms.inputRow2(m, from, a, to, offsets, first);
    } else {
      WinogradTransforms.inputRow4(m, from, a, to, offsets, first);
    }
  }

  /**
   * Aᵀ m A.
   *
   * @param source byte offset of the products of the first point
   * @param step bytes to those of the next
   * @param half byte offset of room for a patch
   * @param pixel byte offset of the first output pixel
   * @param pixelStep bytes to the next; those of a row follow those of the row before
   */
  static void output(
      int tile, MemorySegment m, long source, long step, long half, long pixel, long pixelStep) {
    Rehearsal rehearsal = OUTPUTS[tile];
    int patch = tile + 2;
    if (!rehearsal.isDone()) {
      long start = System.nanoTime();
      while (rehearsal.isDue()) {
        outputs(tile, m, source, patch * step, half, patch * BYTES);
        rehearsal.rehearsed(start, (long) patch * OPERATIONS);
        start = System.nanoTime();
      }
      ColdCode.transformOutput(tile, m, source, step, pixel, pixelStep);
      rehearsal.computed(start);
      return;
    }
    for (int j = 0; j < patch; j++) {
      outputs(
          tile, m, source + j * step, patch * step, half + (long) j * BYTES, (long) patch * BYTES);
    }
    for (int i = 0; i < tile; i++) {
      outputs(
          tile, m, half + (long) i * patch * BYTES, BYTES, pixel + i * tile * pixelStep, pixelStep);
    }
  }

  /** Along one axis. */
  private static void outputs(
      int tile, MemorySegment m, long from, long step, long to, long toStep) {
    if (tile == 2) {
      WinogradTransforms.output2(m, from, step, to, toStep);
    } else {
      WinogradTransforms.output4(m, from, step, to, toStep);
    }
  }
}
