package tacet.kernels.vector;

/**
 * The rows of a matrix product cut into groups of much the same length.
 *
 * @param rows number of rows
 * @param tile groups begin at multiples of it
 * @param count number of groups
 */
record RowGroups(int rows, int tile, int count) {

  /**
   * @param most most rows of a group, a multiple of {@code tile}
   */
  static RowGroups of(int rows, int tile, int most) {
    return new RowGroups(rows, tile, Math.ceilDiv(rows, most));
  }

  /** First row of a group; the number of rows for the group behind the last. */
  int start(int group) {
    long tiles = Math.ceilDiv(rows, tile);
    return Math.min(rows, (int) (tiles * group / count) * tile);
  }

  /** Into how many parts the columns are cut where there are few groups: so many that no thread waits long for another. */
  int parts(int threads, int columns) {
    return threads == 1 ? 1 : Math.clamp(Math.ceilDiv(4 * threads, count), 1, columns);
  }
}
