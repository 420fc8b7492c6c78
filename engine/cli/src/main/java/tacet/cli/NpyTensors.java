package tacet.cli;

import tacet.insight.npy.NpyArray;
import tacet.insight.npy.NpyType;
import tacet.kernels.DataType;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/** Tensors as NumPy arrays and back; neither copies. */
final class NpyTensors {

  private NpyTensors() {}

  static Tensor toTensor(NpyArray array) {
    return new Tensor(DataType.valueOf(array.type().name()), Shape.of(array.shape()), array.data());
  }

  static NpyArray toNpy(Tensor t) {
    if (t.type() == DataType.BFLOAT16) {
      throw new IllegalArgumentException("NumPy has no bfloat16");
    }
    return new NpyArray(NpyType.valueOf(t.type().name()), t.shape().dims(), t.data());
  }
}
