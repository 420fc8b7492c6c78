package tacet.plan;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import tacet.kernels.ImageLayout;
import tacet.kernels.RowReader;
import tacet.kernels.RowWriter;
import tacet.kernels.ZeroCounts;

/**
 * Runs a layer and the only one that reads its output a band of rows at a time: what the first writes is read while it is in the
 * cache, and written over by the next band. Each thread has bands that follow each other; at the beginning of the first it
 * computes once more, and does not count, what another thread reads too.
 */
final class RunBands implements Step {

  /** Bytes that a band of the image between the layers takes at most, where a single row is not more: they stay in the cache. */
  private static final long BAND_BYTES = 256 << 10;

  /** Smaller images stay in the cache as a whole. */
  private static final long LEAST_BYTES = 1 << 20;

  /** Parts of an image per thread, where there are several: one that is held up leaves some to the others. */
  private static final int PARTS = 2;

  /** Bytes of a cache line. */
  private static final int LINE = 64;

  private final int secondStep;
  private final RowWriter first;
  private final RowReader second;
  private final List<Placement.Image> inputs;
  private final ImageLayout between;
  private final Placement.Image output;
  private final int firstCounts;
  private final int secondCounts;
  private final int bandRows;
  private final int outRows;
  private final int threads;
  private long[] inputOffsets;
  private long outputOffset;

  /**
   * @param secondStep number of the step that stands for the second layer
   * @param between layout of the image between the layers, were it there as a whole
   * @param firstCounts number of the first layer's counters, or −1
   * @param secondCounts number of the second layer's counters, which have slabs of their own, or −1
   * @param threads most threads of a run
   */
  RunBands(
      int secondStep,
      RowWriter first,
      RowReader second,
      List<Placement.Image> inputs,
      ImageLayout between,
      Placement.Image output,
      int firstCounts,
      int secondCounts,
      int threads) {
    this.secondStep = secondStep;
    this.inputs = inputs;
    this.output = output;
    this.firstCounts = firstCounts;
    this.secondCounts = secondCounts;
    this.threads = threads;
    this.outRows = outRows(second, between, output.layout().height());
    this.bandRows = mostRows(second, output.layout().height(), outRows);
    this.between =
        new ImageLayout(
            between.batch(),
            between.channels(),
            between.height(),
            between.width(),
            between.lanes(),
            between.rowStride(),
            bandRows * between.rowStride(),
            0);
    this.first = first.writing(this.between);
    this.second = second.reading(this.between);
  }

  /** Whether an image is so large that it pays never to form it, and a band of it so small that the cache holds that. */
  static boolean pays(RowReader second, ImageLayout between, int height) {
    long row = between.rowStride() * between.blocks();
    return between.height() * row >= LEAST_BYTES && mostRows(second, height, 1) * row <= BAND_BYTES;
  }

  /** Rows of the second layer's output that are computed at a time. */
  private static int outRows(RowReader second, ImageLayout between, int height) {
    long row = between.rowStride() * between.blocks();
    int rows = 1;
    while (rows < height && mostRows(second, height, rows + 1) * row <= BAND_BYTES) {
      rows++;
    }
    return rows;
  }

  /** Most rows of the image between the layers that are kept for so many rows of the output. */
  private static int mostRows(RowReader second, int height, int outRows) {
    int most = 1;
    for (int y = 0; y < height; y++) {
      int last = Math.min(height, y + outRows) - 1;
      most = Math.max(most, second.endInputRow(last) - lowest(second, y));
    }
    return most;
  }

  /** First row that is kept for row {@code y} of the output: one that it reads, or that no earlier one has. */
  private static int lowest(RowReader second, int y) {
    return y == 0 ? 0 : Math.min(second.firstInputRow(y), second.endInputRow(y - 1));
  }

  /** Bytes of scratch memory that a run takes. */
  long scratchBytes() {
    return bands() + threads * bandBytes();
  }

  /** Where the bands lie in the scratch memory, behind that of both kernels and a line per thread for the time that reading takes it. */
  private long bands() {
    return times() + threads * (long) LINE;
  }

  private long times() {
    return aligned(first.scratchBytes(threads)) + aligned(second.scratchBytes(threads));
  }

  private static long aligned(long bytes) {
    return (bytes + LINE - 1) / LINE * LINE;
  }

  private long bandBytes() {
    return between.blockStride() * between.blocks();
  }

  @Override
  public void place() {
    inputOffsets = Steps.firsts(inputs);
    outputOffset = Steps.first(output);
  }

  @Override
  public boolean isSettled() {
    return first.isSettled() && second.isSettled();
  }

  @Override
  public void run(Workspace w) {
    int running = w.parallel.threads();
    int parts = running == 1 ? 1 : Math.min(output.layout().height(), PARTS * running);
    for (int t = 0; t < running; t++) {
      w.memory.set(ValueLayout.JAVA_LONG, w.scratch + times() + (long) t * LINE, 0);
    }
    w.parallel.forEach(
        output.layout().batch() * parts,
        (item, thread) -> part(w, thread, item / parts, item % parts, parts));
    long nanos = 0;
    for (int t = 0; t < running; t++) {
      nanos += w.memory.get(ValueLayout.JAVA_LONG, w.scratch + times() + (long) t * LINE);
    }
    w.giveNanos(secondStep, nanos / running);
    if (firstCounts >= 0) {
      w.counts[firstCounts].merge();
      w.counts[secondCounts].merge();
    }
  }

  /** Rows of the output that follow each other. */
  private void part(Workspace w, int thread, int image, int part, int parts) {
    int height = output.layout().height();
    int begin = (int) ((long) height * part / parts);
    int end = (int) ((long) height * (part + 1) / parts);
    // What two parts read is counted by the first of them.
    int counted = part == 0 ? 0 : second.endInputRow(begin - 1);
    int base = lowest(second, begin);
    int done = base;
    for (int y = begin; y < end; y += outRows) {
      int to = Math.min(end, y + outRows);
      int kept = lowest(second, y);
      keep(w, thread, kept - base, done - kept);
      base = kept;
      done = write(w, thread, image, base, done, second.endInputRow(to - 1), counted);
      read(w, thread, image, base, y, to);
    }
    // Rows behind the last window: nobody reads them, but they are counted.
    int last = part == parts - 1 ? between.height() : done;
    while (done < last) {
      int to = Math.min(last, done + bandRows);
      done = write(w, thread, image, done, done, to, counted);
    }
  }

  /** Moves rows to the beginning of a thread's band. */
  private void keep(Workspace w, int thread, int from, int rows) {
    if (from == 0 || rows == 0) {
      return;
    }
    for (int b = 0; b < between.blocks(); b++) {
      long plane = band(w, thread) + b * between.blockStride();
      MemorySegment.copy(
          w.memory,
          plane + from * between.rowStride(),
          w.memory,
          plane,
          rows * between.rowStride());
    }
  }

  private long band(Workspace w, int thread) {
    return w.scratch + bands() + thread * bandBytes();
  }

  /**
   * The first layer's rows {@code from … to − 1}, counted from {@code counted} on.
   *
   * @param base row at the beginning of the band
   * @return {@code to}
   */
  private int write(Workspace w, int thread, int image, int base, int from, int to, int counted) {
    long origin = band(w, thread) - base * between.rowStride();
    int middle = Math.clamp(counted, from, to);
    if (from < middle) {
      first.writeRows(
          w.memory, inputOffsets, origin, w.scratch, w.parallel, thread, null, image, from, middle);
    }
    if (middle < to) {
      ZeroCounts counts = firstCounts < 0 ? null : w.counts[firstCounts];
      first.writeRows(
          w.memory, inputOffsets, origin, w.scratch, w.parallel, thread, counts, image, middle, to);
    }
    return to;
  }

  private void read(Workspace w, int thread, int image, int base, int from, int to) {
    long start = System.nanoTime();
    second.readRows(
        w.memory,
        band(w, thread) - base * between.rowStride(),
        outputOffset,
        w.scratch + aligned(first.scratchBytes(threads)),
        thread,
        secondCounts < 0 ? null : w.counts[secondCounts],
        image,
        from,
        to);
    long time = w.scratch + times() + (long) thread * LINE;
    long before = w.memory.get(ValueLayout.JAVA_LONG, time);
    w.memory.set(ValueLayout.JAVA_LONG, time, before + System.nanoTime() - start);
  }
}
