package tacet.kernels.vector;

import tacet.kernels.Parallel;

/**
 * The rows of a matrix product cut into groups of much the same length.
 *
 * @param rows number of rows
 * @param tile groups begin at multiples of it
 * @param count number of groups
 * @param least rows that are worth a group of their own if there are too few groups for the threads
 * @param parts how many parts of the work a thread gets at least, so that none waits long for another; each cuts columns, and what is
 *     done once for the rows of a group is done again
 */
record RowGroups(int rows, int tile, int count, int least, int parts) {

  /** Parts of the work for a thread where cutting columns costs nothing. */
  static final int PARTS = 4;

  /**
   * @param most most rows of a group, a multiple of {@code tile}
   */
  static RowGroups of(int rows, int tile, int most) {
    return of(rows, tile, most, most, PARTS);
  }

  /**
   * @param most most rows of a group, a multiple of {@code tile}
   */
  static RowGroups of(int rows, int tile, int most, int least, int parts) {
    return new RowGroups(rows, tile, Math.ceilDiv(rows, most), least, parts);
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
   * Runs all groups; where there are few, more of fewer rows, and their columns cut into parts. If neither gives each thread as much
   * to do, groups are cut further.
   *
   * @param columns number of columns, or of what else is not to be cut
   */
  void forEach(Parallel parallel, int columns, Part body) {
    int threads = parallel.threads();
    RowGroups some = threads == 1 ? this : in(Math.min(PARTS * threads, rows / least));
    int cuts = some.cuts(threads, columns);
    RowGroups all =
        some.count * cuts % threads == 0
            ? some
            : some.in(Math.ceilDiv(some.count, threads) * threads);
    parallel.forEach(
        all.count * cuts,
        (item, thread) -> {
          int group = item / cuts;
          int cut = item % cuts;
          body.run(
              all.start(group),
              all.start(group + 1),
              columns * cut / cuts,
              columns * (cut + 1) / cuts,
              thread);
        });
  }

  private int cuts(int threads, int columns) {
    if (threads == 1 || count >= PARTS * threads) {
      return 1;
    }
    int cuts = Math.min(columns, Math.ceilDiv(parts * threads, count));
    while (cuts < columns && count * cuts % threads != 0) {
      cuts++;
    }
    return cuts;
  }

  /** In so many groups, if they are more: no more than there are tiles. */
  private RowGroups in(int wanted) {
    int most = Math.min(Math.ceilDiv(rows, tile), wanted);
    return most > count ? new RowGroups(rows, tile, most, least, parts) : this;
  }
}
