package tacet.kernels.vector;

import static tacet.kernels.vector.Lanes.COUNT;
import static tacet.kernels.vector.Lanes.FLOATS;
import static tacet.kernels.vector.Lanes.ORDER;
import static tacet.kernels.vector.Scratchpad.ARRAY;
import static tacet.kernels.vector.Scratchpad.MASK;

import java.lang.foreign.MemorySegment;
import jdk.incubator.vector.FloatVector;

/**
 * The transforms of F(2, 3) and F(4, 3), along one axis at a time: Bᵀ d of inputs, Aᵀ m of products, and the matrix G for
 * filters. Every value is a vector of channels.
 */
final class WinogradTransforms {

  private WinogradTransforms() {}

  /**
   * Points of F(4, 3) are 0, ±{@link #B}, ±{@link #A} and infinity. Integers would save multiplications; these, exact in
   * binary as all their products here, keep the rounding errors of the transforms smaller.
   */
  private static final float A = 1.5f;

  private static final float B = 0.625f;
  private static final float A2 = A * A;
  private static final float B2 = B * B;

  // Rows of G for F(4, 3): the filter's polynomial at each point over the product of the point's
  // distances to the others. Those of opposite points differ in one sign.
  private static final double AT_ZERO = 1.0 / (A2 * B2);
  private static final double AT_B = 1.0 / (2 * B2 * (B2 - A2));
  private static final double AT_A = 1.0 / (2 * A2 * (A2 - B2));

  /**
   * G g Gᵀ of one filter, in double precision.
   *
   * @param tile outputs of a tile: 2 or 4
   * @param w its first weight of nine
   * @param half room for three values per row of G
   * @param u receives the value of point p at {@code p · step + to}
   */
  static void filter(int tile, float[] weights, int w, double[] half, float[] u, int to, int step) {
    if (tile == 2) {
      filter2(weights, w, half, u, to, step);
    } else {
      filter4(weights, w, half, u, to, step);
    }
  }

  /** Points 0, 1, −1 and infinity, scaled so that the other matrices are whole. */
  private static void filter2(float[] weights, int w, double[] half, float[] u, int to, int step) {
    for (int x = 0; x < 3; x++) {
      double g0 = weights[w + x];
      double g2 = weights[w + 6 + x];
      double even = 0.5 * g0 + 0.5 * g2;
      double odd = 0.5 * weights[w + 3 + x];
      half[x] = g0;
      half[3 + x] = even + odd;
      half[6 + x] = even - odd;
      half[9 + x] = g2;
    }
    for (int a = 0; a < 4; a++) {
      double g0 = half[a * 3];
      double g2 = half[a * 3 + 2];
      double even = 0.5 * g0 + 0.5 * g2;
      double odd = 0.5 * half[a * 3 + 1];
      int o = to + a * 4 * step;
      u[o] = (float) g0;
      u[o + step] = (float) (even + odd);
      u[o + 2 * step] = (float) (even - odd);
      u[o + 3 * step] = (float) g2;
    }
  }

  private static void filter4(float[] weights, int w, double[] half, float[] u, int to, int step) {
    for (int x = 0; x < 3; x++) {
      double g0 = weights[w + x];
      double g1 = weights[w + 3 + x];
      double g2 = weights[w + 6 + x];
      double evenB = AT_B * g0 + AT_B * B2 * g2;
      double oddB = AT_B * B * g1;
      double evenA = AT_A * g0 + AT_A * A2 * g2;
      double oddA = AT_A * A * g1;
      half[x] = AT_ZERO * g0;
      half[3 + x] = evenB + oddB;
      half[6 + x] = evenB - oddB;
      half[9 + x] = evenA + oddA;
      half[12 + x] = evenA - oddA;
      half[15 + x] = g2;
    }
    for (int a = 0; a < 6; a++) {
      double g0 = half[a * 3];
      double g1 = half[a * 3 + 1];
      double g2 = half[a * 3 + 2];
      double evenB = AT_B * g0 + AT_B * B2 * g2;
      double oddB = AT_B * B * g1;
      double evenA = AT_A * g0 + AT_A * A2 * g2;
      double oddA = AT_A * A * g1;
      int o = to + a * 6 * step;
      u[o] = (float) (AT_ZERO * g0);
      u[o + step] = (float) (evenB + oddB);
      u[o + 2 * step] = (float) (evenB - oddB);
      u[o + 3 * step] = (float) (evenA + oddA);
      u[o + 4 * step] = (float) (evenA - oddA);
      u[o + 5 * step] = (float) g2;
    }
  }

  // A patch that is transformed along one axis lies in the scratchpad, where no index is checked.

  /** Four values {@code step} bytes apart become a column in the scratchpad. */
  static void inputColumn2(MemorySegment m, long from, long step, int column) {
    m = Lanes.known(m);
    int to = column & MASK;
    FloatVector d0 = FloatVector.fromMemorySegment(FLOATS, m, from, ORDER);
    FloatVector d1 = FloatVector.fromMemorySegment(FLOATS, m, from + step, ORDER);
    FloatVector d2 = FloatVector.fromMemorySegment(FLOATS, m, from + 2 * step, ORDER);
    FloatVector d3 = FloatVector.fromMemorySegment(FLOATS, m, from + 3 * step, ORDER);
    d0.sub(d2).intoArray(ARRAY, to);
    d1.add(d2).intoArray(ARRAY, to + 4 * COUNT);
    d2.sub(d1).intoArray(ARRAY, to + 8 * COUNT);
    d1.sub(d3).intoArray(ARRAY, to + 12 * COUNT);
  }

  /** A row of four in the scratchpad becomes the values of points {@code p … p + 3}. */
  static void inputRow2(int row, float[] a, int to, int[] offsets, int p) {
    int from = row & MASK;
    FloatVector d0 = FloatVector.fromArray(FLOATS, ARRAY, from);
    FloatVector d1 = FloatVector.fromArray(FLOATS, ARRAY, from + COUNT);
    FloatVector d2 = FloatVector.fromArray(FLOATS, ARRAY, from + 2 * COUNT);
    FloatVector d3 = FloatVector.fromArray(FLOATS, ARRAY, from + 3 * COUNT);
    d0.sub(d2).intoArray(a, to + offsets[p]);
    d1.add(d2).intoArray(a, to + offsets[p + 1]);
    d2.sub(d1).intoArray(a, to + offsets[p + 2]);
    d1.sub(d3).intoArray(a, to + offsets[p + 3]);
  }

  /** Six values {@code step} bytes apart become a column in the scratchpad. */
  static void inputColumn4(MemorySegment m, long from, long step, int column) {
    m = Lanes.known(m);
    int to = column & MASK;
    FloatVector d0 = FloatVector.fromMemorySegment(FLOATS, m, from, ORDER);
    FloatVector d1 = FloatVector.fromMemorySegment(FLOATS, m, from + step, ORDER);
    FloatVector d2 = FloatVector.fromMemorySegment(FLOATS, m, from + 2 * step, ORDER);
    FloatVector d3 = FloatVector.fromMemorySegment(FLOATS, m, from + 3 * step, ORDER);
    FloatVector d4 = FloatVector.fromMemorySegment(FLOATS, m, from + 4 * step, ORDER);
    FloatVector d5 = FloatVector.fromMemorySegment(FLOATS, m, from + 5 * step, ORDER);
    FloatVector even = d4.sub(d2.mul(A2));
    FloatVector odd = d3.sub(d1.mul(A2)).mul(B);
    FloatVector even2 = d4.sub(d2.mul(B2));
    FloatVector odd2 = d3.sub(d1.mul(B2)).mul(A);
    d0.mul(A2 * B2).sub(d2.mul(A2 + B2)).add(d4).intoArray(ARRAY, to);
    even.add(odd).intoArray(ARRAY, to + 6 * COUNT);
    even.sub(odd).intoArray(ARRAY, to + 12 * COUNT);
    even2.add(odd2).intoArray(ARRAY, to + 18 * COUNT);
    even2.sub(odd2).intoArray(ARRAY, to + 24 * COUNT);
    d1.mul(A2 * B2).sub(d3.mul(A2 + B2)).add(d5).intoArray(ARRAY, to + 30 * COUNT);
  }

  /** A row of six in the scratchpad becomes the values of points {@code p … p + 5}. */
  static void inputRow4(int row, float[] a, int to, int[] offsets, int p) {
    int from = row & MASK;
    FloatVector d0 = FloatVector.fromArray(FLOATS, ARRAY, from);
    FloatVector d1 = FloatVector.fromArray(FLOATS, ARRAY, from + COUNT);
    FloatVector d2 = FloatVector.fromArray(FLOATS, ARRAY, from + 2 * COUNT);
    FloatVector d3 = FloatVector.fromArray(FLOATS, ARRAY, from + 3 * COUNT);
    FloatVector d4 = FloatVector.fromArray(FLOATS, ARRAY, from + 4 * COUNT);
    FloatVector d5 = FloatVector.fromArray(FLOATS, ARRAY, from + 5 * COUNT);
    FloatVector even = d4.sub(d2.mul(A2));
    FloatVector odd = d3.sub(d1.mul(A2)).mul(B);
    FloatVector even2 = d4.sub(d2.mul(B2));
    FloatVector odd2 = d3.sub(d1.mul(B2)).mul(A);
    d0.mul(A2 * B2).sub(d2.mul(A2 + B2)).add(d4).intoArray(a, to + offsets[p]);
    even.add(odd).intoArray(a, to + offsets[p + 1]);
    even.sub(odd).intoArray(a, to + offsets[p + 2]);
    even2.add(odd2).intoArray(a, to + offsets[p + 3]);
    even2.sub(odd2).intoArray(a, to + offsets[p + 4]);
    d1.mul(A2 * B2).sub(d3.mul(A2 + B2)).add(d5).intoArray(a, to + offsets[p + 5]);
  }

  /** Four values {@code step} bytes apart become a column of two in the scratchpad. */
  static void outputColumn2(MemorySegment m, long from, long step, int column) {
    m = Lanes.known(m);
    int to = column & MASK;
    FloatVector m0 = FloatVector.fromMemorySegment(FLOATS, m, from, ORDER);
    FloatVector m1 = FloatVector.fromMemorySegment(FLOATS, m, from + step, ORDER);
    FloatVector m2 = FloatVector.fromMemorySegment(FLOATS, m, from + 2 * step, ORDER);
    FloatVector m3 = FloatVector.fromMemorySegment(FLOATS, m, from + 3 * step, ORDER);
    m0.add(m1).add(m2).intoArray(ARRAY, to);
    m1.sub(m2).sub(m3).intoArray(ARRAY, to + 4 * COUNT);
  }

  /** A row of four in the scratchpad becomes two, {@code toStep} bytes apart. */
  static void outputRow2(int row, MemorySegment m, long to, long toStep) {
    m = Lanes.known(m);
    int from = row & MASK;
    FloatVector m0 = FloatVector.fromArray(FLOATS, ARRAY, from);
    FloatVector m1 = FloatVector.fromArray(FLOATS, ARRAY, from + COUNT);
    FloatVector m2 = FloatVector.fromArray(FLOATS, ARRAY, from + 2 * COUNT);
    FloatVector m3 = FloatVector.fromArray(FLOATS, ARRAY, from + 3 * COUNT);
    m0.add(m1).add(m2).intoMemorySegment(m, to, ORDER);
    m1.sub(m2).sub(m3).intoMemorySegment(m, to + toStep, ORDER);
  }

  /** Six values {@code step} bytes apart become a column of four in the scratchpad. */
  static void outputColumn4(MemorySegment m, long from, long step, int column) {
    m = Lanes.known(m);
    int to = column & MASK;
    FloatVector m0 = FloatVector.fromMemorySegment(FLOATS, m, from, ORDER);
    FloatVector m1 = FloatVector.fromMemorySegment(FLOATS, m, from + step, ORDER);
    FloatVector m2 = FloatVector.fromMemorySegment(FLOATS, m, from + 2 * step, ORDER);
    FloatVector m3 = FloatVector.fromMemorySegment(FLOATS, m, from + 3 * step, ORDER);
    FloatVector m4 = FloatVector.fromMemorySegment(FLOATS, m, from + 4 * step, ORDER);
    FloatVector m5 = FloatVector.fromMemorySegment(FLOATS, m, from + 5 * step, ORDER);
    FloatVector sum12 = m1.add(m2);
    FloatVector difference12 = m1.sub(m2);
    FloatVector sum34 = m3.add(m4);
    FloatVector difference34 = m3.sub(m4);
    m0.add(sum12).add(sum34).intoArray(ARRAY, to);
    difference34.mul(A).add(difference12.mul(B)).intoArray(ARRAY, to + 6 * COUNT);
    sum34.mul(A2).add(sum12.mul(B2)).intoArray(ARRAY, to + 12 * COUNT);
    difference34
        .mul(A * A2)
        .add(difference12.mul(B * B2))
        .add(m5)
        .intoArray(ARRAY, to + 18 * COUNT);
  }

  /** A row of six in the scratchpad becomes four, {@code toStep} bytes apart. */
  static void outputRow4(int row, MemorySegment m, long to, long toStep) {
    m = Lanes.known(m);
    int from = row & MASK;
    FloatVector m0 = FloatVector.fromArray(FLOATS, ARRAY, from);
    FloatVector m1 = FloatVector.fromArray(FLOATS, ARRAY, from + COUNT);
    FloatVector m2 = FloatVector.fromArray(FLOATS, ARRAY, from + 2 * COUNT);
    FloatVector m3 = FloatVector.fromArray(FLOATS, ARRAY, from + 3 * COUNT);
    FloatVector m4 = FloatVector.fromArray(FLOATS, ARRAY, from + 4 * COUNT);
    FloatVector m5 = FloatVector.fromArray(FLOATS, ARRAY, from + 5 * COUNT);
    FloatVector sum12 = m1.add(m2);
    FloatVector difference12 = m1.sub(m2);
    FloatVector sum34 = m3.add(m4);
    FloatVector difference34 = m3.sub(m4);
    m0.add(sum12).add(sum34).intoMemorySegment(m, to, ORDER);
    difference34.mul(A).add(difference12.mul(B)).intoMemorySegment(m, to + toStep, ORDER);
    sum34.mul(A2).add(sum12.mul(B2)).intoMemorySegment(m, to + 2 * toStep, ORDER);
    difference34
        .mul(A * A2)
        .add(difference12.mul(B * B2))
        .add(m5)
        .intoMemorySegment(m, to + 3 * toStep, ORDER);
  }

  // The same without the Vector API, in place: of vectors that lie {@code step} floats apart.

  /** {@link #inputColumn2} and {@link #inputRow2}. */
  static void plainInput2(float[] x, int from, int step) {
    for (int i = from; i < from + COUNT; i++) {
      float d0 = x[i];
      float d1 = x[i + step];
      float d2 = x[i + 2 * step];
      float d3 = x[i + 3 * step];
      x[i] = d0 - d2;
      x[i + step] = d1 + d2;
      x[i + 2 * step] = d2 - d1;
      x[i + 3 * step] = d1 - d3;
    }
  }

  /** {@link #inputColumn4} and {@link #inputRow4}. */
  static void plainInput4(float[] x, int from, int step) {
    for (int i = from; i < from + COUNT; i++) {
      float d0 = x[i];
      float d1 = x[i + step];
      float d2 = x[i + 2 * step];
      float d3 = x[i + 3 * step];
      float d4 = x[i + 4 * step];
      float d5 = x[i + 5 * step];
      float even = d4 - d2 * A2;
      float odd = (d3 - d1 * A2) * B;
      float even2 = d4 - d2 * B2;
      float odd2 = (d3 - d1 * B2) * A;
      x[i] = d0 * (A2 * B2) - d2 * (A2 + B2) + d4;
      x[i + step] = even + odd;
      x[i + 2 * step] = even - odd;
      x[i + 3 * step] = even2 + odd2;
      x[i + 4 * step] = even2 - odd2;
      x[i + 5 * step] = d1 * (A2 * B2) - d3 * (A2 + B2) + d5;
    }
  }

  /** {@link #outputColumn2} and {@link #outputRow2}. */
  static void plainOutput2(float[] x, int from, int step) {
    for (int i = from; i < from + COUNT; i++) {
      float m0 = x[i];
      float m1 = x[i + step];
      float m2 = x[i + 2 * step];
      float m3 = x[i + 3 * step];
      x[i] = m0 + m1 + m2;
      x[i + step] = m1 - m2 - m3;
    }
  }

  /** {@link #outputColumn4} and {@link #outputRow4}. */
  static void plainOutput4(float[] x, int from, int step) {
    for (int i = from; i < from + COUNT; i++) {
      float m0 = x[i];
      float m1 = x[i + step];
      float m2 = x[i + 2 * step];
      float m3 = x[i + 3 * step];
      float m4 = x[i + 4 * step];
      float m5 = x[i + 5 * step];
      float sum12 = m1 + m2;
      float difference12 = m1 - m2;
      float sum34 = m3 + m4;
      float difference34 = m3 - m4;
      x[i] = m0 + sum12 + sum34;
      x[i + step] = difference34 * A + difference12 * B;
      x[i + 2 * step] = sum34 * A2 + sum12 * B2;
      x[i + 3 * step] = difference34 * (A * A2) + difference12 * (B * B2) + m5;
    }
  }
}
