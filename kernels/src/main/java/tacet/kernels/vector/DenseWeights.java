package tacet.kernels.vector;

import static tacet.kernels.vector.Lanes.BYTES;
import static tacet.kernels.vector.Lanes.FLOAT;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import tacet.kernels.Parallel;
import tacet.kernels.Weights;

/**
 * The weights of {@link DenseLayer}: a row of outputs for each input, in the order in which the inputs lie in memory. Where
 * rows are short, each part has the first strip of all its rows, then the second: read from memory in one run. Half a row and
 * half of the next take as long to come as both rows.
 *
 * @param inputs number of rows
 * @param vectors vectors of a row
 * @param partRows rows of a part
 * @param parts the rows, {@code partRows} in each but the last
 */
record DenseWeights(int inputs, int vectors, int partRows, MemorySegment[] parts) {

  /** Rows of so many strips and no more are read strip by strip: a loop over so few vectors takes longer than they do. */
  private static final int MOST_STRIPS = 2;

  /** Bytes of weights that are one piece of memory. */
  private static final long PART_BYTES = 32L << 20;

  /**
   * Parts have whole multiples of so many rows: rows are added up in the same groups as if there
   * were no parts.
   */
  private static final int ROW_GROUP = 64;

  /** Extents of a piece of weights that is transposed at a time. */
  private static final int PIECE_ROWS = 256;

  private static final int PIECE_OUTPUTS = 256;

  /** Weights of a piece that stay in a second-level cache; where it has more rows, it has fewer outputs. */
  private static final int PIECE_WEIGHTS = 96 << 10;

  /** Outputs whose weights are read side by side: what is written then is a whole cache line. */
  private static final int LINE = 16;

  /**
   * Most neighbours of which a piece's rows are picked; where they are further apart each is
   * fetched by itself.
   */
  private static final int MOST_SPAN = 4096;

  /**
   * @param columns for each row the input whose weights it has
   */
  static DenseWeights pack(
      Weights weights, int[] columns, int outputs, Arena arena, Parallel parallel) {
    int vectors = Math.ceilDiv(outputs, Lanes.COUNT);
    DenseWeights matrix = allocate(columns.length, vectors, arena, parallel);
    if (weights.isInputMajor()) {
      copy(weights, columns, outputs, matrix, parallel);
    } else {
      transpose(weights, columns, outputs, matrix, parallel);
    }
    return matrix;
  }

  long rowBytes() {
    return (long) vectors * BYTES;
  }

  /** Whether rows are so short that they lie strip by strip. */
  boolean hasStrips() {
    return vectors % DenseRows.STRIP == 0 && strips() <= MOST_STRIPS;
  }

  int strips() {
    return vectors / DenseRows.STRIP;
  }

  /** Bytes of a part's strip: the distance of one strip from the next. */
  long stripBytes(int part) {
    int rows = Math.min(partRows, inputs - part * partRows);
    return (long) rows * DenseRows.STRIP * BYTES;
  }

  /**
   * Memory for the weights. It is zeroed, which takes longer than to fill it: all threads do that.
   */
  private static DenseWeights allocate(int inputs, int vectors, Arena arena, Parallel parallel) {
    long rowBytes = (long) vectors * BYTES;
    int groups = Math.ceilDiv(inputs, ROW_GROUP);
    int partRows = Math.clamp(PART_BYTES / (ROW_GROUP * rowBytes), 1, groups) * ROW_GROUP;
    MemorySegment[] parts = new MemorySegment[Math.ceilDiv(inputs, partRows)];
    parallel.forEach(
        parts.length,
        (p, _) -> {
          int rows = Math.min(partRows, inputs - p * partRows);
          parts[p] = arena.allocate(rows * rowBytes, 4096);
        });
    return new DenseWeights(inputs, vectors, partRows, parts);
  }

  /** Weights that lie as the kernel wants them, but for the order of their rows. */
  private static void copy(
      Weights weights, int[] columns, int outputs, DenseWeights matrix, Parallel parallel) {
    parallel.forEach(
        Math.ceilDiv(columns.length, PIECE_ROWS),
        (item, thread) -> {
          float[] row = parallel.floats(thread, outputs);
          int to = Math.min(columns.length, (item + 1) * PIECE_ROWS);
          for (int r = item * PIECE_ROWS; r < to; r++) {
            weights.copy((long) columns[r] * outputs, row, 0, outputs);
            store(row, 0, outputs, matrix, r, 0);
          }
        });
  }

  /**
   * Transposes the weights, pieces at a time of which both sides stay in the caches. A row of a piece is stored in one go: it is
   * in a page of its own, and reaching that takes as long as writing much of it.
   */
  private static void transpose(
      Weights weights, int[] columns, int outputs, DenseWeights matrix, Parallel parallel) {
    List<Piece> pieces = pieces(columns);
    int most = pieces.stream().mapToInt(Piece::rows).max().orElseThrow();
    int share = Math.ceilDiv(outputs, 4 * parallel.threads());
    int across =
        Math.clamp(Math.min(PIECE_WEIGHTS / most, share) / LINE * LINE, LINE, PIECE_OUTPUTS);
    // Rows a power of two apart would meet in few places of the first-level cache.
    int stride = across + LINE;
    parallel.forEach(
        Math.ceilDiv(outputs, across),
        (item, thread) -> {
          int room = most * stride;
          float[] lines = parallel.floats(thread, room + LINE * MOST_SPAN);
          int first = item * across;
          int width = Math.min(across, outputs - first);
          for (Piece p : pieces) {
            for (int i = 0; i < width; i += LINE) {
              long row = (long) (first + i) * columns.length;
              int count = Math.min(LINE, width - i);
              if (p.span() <= MOST_SPAN) {
                for (int k = 0; k < count; k++) {
                  long from = row + (long) k * columns.length + p.least;
                  weights.copy(from, lines, room + k * p.span(), p.span());
                }
                spread(lines, room - p.least, columns, p, i, stride);
              } else {
                fetch(weights, row, columns, p, lines, i, count, stride);
              }
            }
            for (int r = p.from; r < p.to; r++) {
              store(lines, (r - p.from) * stride, width, matrix, r, first);
            }
          }
        });
  }

  /** Rows {@code from … to − 1}, which are made of columns {@code least … most} of the weights. */
  private record Piece(int from, int to, int least, int most) {
    int span() {
      return most - least + 1;
    }

    int rows() {
      return to - from;
    }
  }

  /**
   * As many rows as have neighbouring weights go together: those of a block of channels, where its
   * pixels are not too many.
   */
  private static List<Piece> pieces(int[] columns) {
    List<Piece> pieces = new ArrayList<>();
    for (int from = 0; from < columns.length; from = pieces.getLast().to) {
      Piece fixed = piece(columns, from, Math.min(columns.length, from + PIECE_ROWS));
      Piece p = fixed;
      while (p.span() > p.rows() && p.to < columns.length && p.span() <= MOST_SPAN) {
        int c = columns[p.to];
        p = new Piece(from, p.to + 1, Math.min(p.least, c), Math.max(p.most, c));
      }
      pieces.add(p.span() == p.rows() ? p : fixed);
    }
    return pieces;
  }

  private static Piece piece(int[] columns, int from, int to) {
    int least = columns[from];
    int most = least;
    for (int r = from; r < to; r++) {
      least = Math.min(least, columns[r]);
      most = Math.max(most, columns[r]);
    }
    return new Piece(from, to, least, most);
  }

  /**
   * Outputs {@code i … i + 15} of a piece, from weights that lie at {@code origin}, those of one output behind those of another.
   * Where there are fewer outputs, what is written for the others is read by nobody.
   */
  private static void spread(float[] lines, int origin, int[] columns, Piece p, int i, int stride) {
    int span = p.span();
    for (int r = p.from; r < p.to; r++) {
      int from = origin + columns[r];
      int to = (r - p.from) * stride + i;
      for (int k = 0; k < LINE; k++) {
        lines[to + k] = lines[from + k * span];
      }
    }
  }

  /** Outputs {@code i … i + count − 1} of a piece whose weights lie far apart, from {@code row} on. */
  private static void fetch(
      Weights weights,
      long row,
      int[] columns,
      Piece p,
      float[] lines,
      int i,
      int count,
      int stride) {
    for (int k = 0; k < count; k++) {
      for (int r = p.from; r < p.to; r++) {
        lines[(r - p.from) * stride + i + k] =
            weights.get(row + (long) k * columns.length + columns[r]);
      }
    }
  }

  private static void store(
      float[] from, int at, int width, DenseWeights matrix, int row, int firstOutput) {
    int part = row / matrix.partRows;
    int r = row % matrix.partRows;
    MemorySegment to = matrix.parts[part];
    if (!matrix.hasStrips()) {
      long target = r * matrix.rowBytes() + (long) firstOutput * Float.BYTES;
      MemorySegment.copy(from, at, to, FLOAT, target, width);
      return;
    }
    int outputs = DenseRows.STRIP * Lanes.COUNT;
    for (int done = 0, count; done < width; done += count) {
      int output = firstOutput + done;
      count = Math.min(width - done, outputs - output % outputs);
      long target =
          output / outputs * matrix.stripBytes(part)
              + ((long) r * outputs + output % outputs) * Float.BYTES;
      MemorySegment.copy(from, at + done, to, FLOAT, target, count);
    }
  }
}
