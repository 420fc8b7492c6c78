package tacet.kernels.vector;

import tacet.kernels.Parallel;

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
    return start(rows, tile, count, group);
  }

  /** The same without an object for it. */
  static int start(int rows, int tile, int count, int group) {
    long tiles = Math.ceilDiv(rows, tile);
    return Math.min(rows, (int) (tiles * group / count) * tile);
  }

  /** A part of the work: rows {@code begin … end − 1}, columns {@code firstColumn … endColumn − 1}. */
  @FunctionalInterface
  interface Part {
    void run(int begin, int end, int firstColumn, int endColumn, int thread);
  }

  /**
   * Runs all groups, their columns cut into parts where there are few groups: so many that no thread waits long for another.
   * If neither that gives each thread as much to do, groups are cut further.
   *
   * @param columns number of columns, or of what else is not to be cut
   */
  void forEach(Parallel parallel, int columns, Part body) {
    int threads = parallel.threads();
    int parts = parts(threads, columns);
    RowGroups all = count * parts % threads == 0 ? this : inMultiplesOf(threads);
    parallel.forEach(
        all.count * parts,
        (item, thread) -> {
          int group = item / parts;
          int part = item % parts;
          body.run(
              all.start(group),
              all.start(group + 1),
              columns * part / parts,
              columns * (part + 1) / parts,
              thread);
        });
  }

  private int parts(int threads, int columns) {
    if (threads == 1 || count >= 4 * threads) {
      return 1;
    }
    int parts = Math.min(columns, Math.ceilDiv(4 * threads, count));
    while (parts < columns && count * parts % threads != 0) {
      parts++;
    }
    return parts;
  }

  private RowGroups inMultiplesOf(int threads) {
    int tiles = Math.ceilDiv(rows, tile);
    return new RowGroups(rows, tile, Math.min(tiles, Math.ceilDiv(count, threads) * threads));
  }
}
