package tacet.reference;

import tacet.kernels.scalar.Elements;
import tacet.tensor.Tensor;

/** The contents of a small tensor that decides a shape. */
record Numbers(Elements elements, int count) {

  static Numbers of(Tensor t) {
    return new Numbers(new Elements(t.data(), t.type()), Math.toIntExact(t.shape().elements()));
  }

  double number(int i) {
    return elements.get(i);
  }

  long[] longs() {
    long[] out = new long[count];
    for (int i = 0; i < count; i++) {
      out[i] = elements.getLong(i);
    }
    return out;
  }

  double[] numbers() {
    double[] out = new double[count];
    for (int i = 0; i < count; i++) {
      out[i] = elements.get(i);
    }
    return out;
  }
}
