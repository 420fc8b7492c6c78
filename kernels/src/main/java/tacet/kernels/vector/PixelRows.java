package tacet.kernels.vector;

import static tacet.kernels.vector.Lanes.BYTES;
import static tacet.kernels.vector.Lanes.COUNT;
import static tacet.kernels.vector.Lanes.FLOATS;
import static tacet.kernels.vector.Lanes.INTS;
import static tacet.kernels.vector.Lanes.ORDER;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import jdk.incubator.vector.ByteVector;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;
import jdk.incubator.vector.VectorSpecies;
import tacet.kernels.ImageLayout;
import tacet.kernels.Kernel;
import tacet.kernels.Parallel;
import tacet.kernels.PixelSpec;
import tacet.kernels.ZeroCounts;

/**
 * Bytes of pictures as normalised planes, in one pass: a load has the bytes of as many pixels as a vector has floats, and
 * they are shuffled so that each plane's are neighbours, and a part of the vector at a time is made floats.
 */
final class PixelRows implements Kernel {

  private static final VectorSpecies<Byte> OCTETS =
      VectorSpecies.of(byte.class, FLOATS.vectorShape());

  /** Least vectors of pixels that one item of a loop has. */
  private static final int VECTORS_PER_ITEM = 256;

  /** Vector operations per vector of pixels. */
  private static final int OPERATIONS = 20;

  private static final Rehearsal ROW = new Rehearsal();

  private final PixelSpec spec;
  private final ImageLayout output;
  private final float[][] tables;
  private final VectorShuffle<Byte> byPlane;

  PixelRows(PixelSpec spec, ImageLayout output) {
    this.spec = spec;
    this.output = output;
    tables = new float[spec.channels()][];
    for (int c = 0; c < tables.length; c++) {
      tables[c] = spec.table(c);
    }
    byPlane =
        VectorShuffle.fromOp(
            OCTETS,
            i ->
                i / COUNT < spec.channels()
                    ? i % COUNT * spec.bytesPerPixel() + spec.order().get(i / COUNT)
                    : 0);
  }

  /** Planes of three channels, or of one, on machines whose lowest byte comes first. */
  static boolean takes(PixelSpec spec, ImageLayout output) {
    return output.lanes() == 1
        && (spec.channels() == 3 || spec.channels() == 1)
        && spec.bytesPerPixel() <= Float.BYTES
        && ORDER == ByteOrder.LITTLE_ENDIAN;
  }

  @Override
  public String name() {
    return "pixels 1v" + COUNT;
  }

  @Override
  public long scratchBytes(int threads) {
    return 0;
  }

  @Override
  public long multiplyAdds() {
    return 0;
  }

  @Override
  public boolean isSettled() {
    return ROW.isDone() || spec.width() < COUNT;
  }

  /**
   * @param inputs byte offset of the first picture's first byte
   * @param counts nothing is counted: what comes of it is the network's input
   */
  @Override
  public void run(
      MemorySegment memory,
      long[] inputs,
      long out,
      long scratch,
      Parallel parallel,
      ZeroCounts counts) {
    int all = spec.batch() * spec.height();
    int rows = Math.max(1, VECTORS_PER_ITEM * COUNT / Math.max(1, spec.width()));
    parallel.forEach(
        Math.ceilDiv(all, rows),
        (item, _) -> {
          for (int r = item * rows; r < Math.min(all, item * rows + rows); r++) {
            long from = inputs[0] + (long) r * spec.width() * spec.bytesPerPixel();
            long to =
                out
                    + r / spec.height() * output.batchStride()
                    + r % spec.height() * output.rowStride();
            row(memory, from, to);
          }
        });
  }

  private void row(MemorySegment m, long from, long to) {
    int width = spec.width();
    // A load reads past the bytes it needs: not where memory ends.
    long room = (m.byteSize() - BYTES - from) / spec.bytesPerPixel();
    int vectors = (int) Math.min(width / COUNT, m.byteSize() - BYTES < from ? 0 : room / COUNT + 1);
    int done = vectors * COUNT;
    if (vectors > 0 && (ROW.isDone() || ROW.isDue())) {
      long start = ROW.isDone() ? 0 : System.nanoTime();
      if (spec.channels() == 1) {
        plane(m, from, to, vectors);
      } else {
        planes(m, from, to, vectors);
      }
      if (start != 0) {
        ROW.rehearsed(start, (long) vectors * OPERATIONS);
      }
      plain(m, from, to, done);
    } else {
      long start = System.nanoTime();
      plain(m, from, to, 0);
      ROW.computed(start);
    }
  }

  /** Pixels from {@code x} on. */
  private void plain(MemorySegment m, long from, long to, int x) {
    for (int c = 0; c < tables.length; c++) {
      float[] table = tables[c];
      long byteOf = from + spec.order().get(c);
      long plane = to + c * output.blockStride();
      for (int i = x; i < spec.width(); i++) {
        int v = m.get(ValueLayout.JAVA_BYTE, byteOf + (long) i * spec.bytesPerPixel()) & 0xFF;
        m.set(Lanes.FLOAT, plane + (long) i * Float.BYTES, table[v]);
      }
    }
  }

  private void planes(MemorySegment m, long from, long to, int vectors) {
    m = Lanes.known(m);
    VectorShuffle<Byte> apart = byPlane;
    FloatVector m0 = FloatVector.broadcast(FLOATS, spec.mean().get(0));
    FloatVector m1 = FloatVector.broadcast(FLOATS, spec.mean().get(1));
    FloatVector m2 = FloatVector.broadcast(FLOATS, spec.mean().get(2));
    FloatVector d0 = FloatVector.broadcast(FLOATS, spec.std().get(0));
    FloatVector d1 = FloatVector.broadcast(FLOATS, spec.std().get(1));
    FloatVector d2 = FloatVector.broadcast(FLOATS, spec.std().get(2));
    FloatVector scale = FloatVector.broadcast(FLOATS, spec.scale());
    long step = (long) COUNT * spec.bytesPerPixel();
    long second = to + output.blockStride();
    long third = second + output.blockStride();
    for (int i = 0; i < vectors; i++) {
      ByteVector b =
          ByteVector.fromMemorySegment(OCTETS, m, from + i * step, ORDER).rearrange(apart);
      long at = (long) i * BYTES;
      FloatVector x0 =
          (FloatVector)
              b.convertShape(VectorOperators.ZERO_EXTEND_B2I, INTS, 0)
                  .convertShape(VectorOperators.I2F, FLOATS, 0);
      x0.mul(scale).sub(m0).div(d0).intoMemorySegment(m, to + at, ORDER);
      FloatVector x1 =
          (FloatVector)
              b.convertShape(VectorOperators.ZERO_EXTEND_B2I, INTS, 1)
                  .convertShape(VectorOperators.I2F, FLOATS, 0);
      x1.mul(scale).sub(m1).div(d1).intoMemorySegment(m, second + at, ORDER);
      FloatVector x2 =
          (FloatVector)
              b.convertShape(VectorOperators.ZERO_EXTEND_B2I, INTS, 2)
                  .convertShape(VectorOperators.I2F, FLOATS, 0);
      x2.mul(scale).sub(m2).div(d2).intoMemorySegment(m, third + at, ORDER);
    }
  }

  private void plane(MemorySegment m, long from, long to, int vectors) {
    m = Lanes.known(m);
    VectorShuffle<Byte> apart = byPlane;
    FloatVector m0 = FloatVector.broadcast(FLOATS, spec.mean().get(0));
    FloatVector d0 = FloatVector.broadcast(FLOATS, spec.std().get(0));
    FloatVector scale = FloatVector.broadcast(FLOATS, spec.scale());
    long step = (long) COUNT * spec.bytesPerPixel();
    for (int i = 0; i < vectors; i++) {
      ByteVector b =
          ByteVector.fromMemorySegment(OCTETS, m, from + i * step, ORDER).rearrange(apart);
      FloatVector x0 =
          (FloatVector)
              b.convertShape(VectorOperators.ZERO_EXTEND_B2I, INTS, 0)
                  .convertShape(VectorOperators.I2F, FLOATS, 0);
      x0.mul(scale).sub(m0).div(d0).intoMemorySegment(m, to + (long) i * BYTES, ORDER);
    }
  }
}
