package tacet.reference;

import tacet.kernels.DataType;
import tacet.tensor.Shape;

/** Element type and shape of a value that need not exist yet. */
public record TensorType(DataType type, Shape shape) {}
