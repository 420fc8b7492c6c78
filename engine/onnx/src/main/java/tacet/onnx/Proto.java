package tacet.onnx;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** The messages of an ONNX file, as far as inference needs them. Field numbers are those of onnx.proto. */
final class Proto {

  private Proto() {}

  static final class Model {
    long irVersion;
    final List<OperatorSet> opsets = new ArrayList<>();
    Graph graph;
  }

  record OperatorSet(String domain, long version) {}

  static final class Graph {
    final List<Node> nodes = new ArrayList<>();
    final List<TensorData> initializers = new ArrayList<>();
    final List<Value> inputs = new ArrayList<>();
    final List<Value> outputs = new ArrayList<>();
    boolean sparseInitializers;
  }

  static final class Node {
    String name = "";
    String type = "";
    String domain = "";
    final List<String> inputs = new ArrayList<>();
    final List<String> outputs = new ArrayList<>();
    final List<Attribute> attributes = new ArrayList<>();
  }

  static final class Attribute {
    String name = "";
    float f;
    long i;
    String s = "";
    TensorData t;
    final List<Float> floats = new ArrayList<>();
    final List<Long> ints = new ArrayList<>();
    boolean graph;
  }

  /** A declared input or output; {@code dims} null where no shape is given. */
  static final class Value {
    String name = "";
    int elementType;
    long[] dims;
    boolean tensor;
  }

  static final class TensorData {
    String name = "";
    int type;
    final List<Long> dims = new ArrayList<>();

    /** Raw bytes, mapped; null where typed data is given. */
    MemorySegment raw;

    final Numbers numbers = new Numbers();
    boolean external;
    String location = "";
    long offset;
    long length = -1;

    /** Where the message starts in the file, for messages. */
    long at;
  }

  /** Numbers of a typed field; grows with what the file really holds. */
  static final class Numbers {
    private double[] doubles = new double[0];
    private long[] longs = new long[0];
    private boolean integers;
    private int count;

    void add(double v) {
      if (count == doubles.length) {
        doubles = java.util.Arrays.copyOf(doubles, Math.max(16, count * 2));
      }
      doubles[count++] = v;
    }

    void add(long v) {
      integers = true;
      if (count == longs.length) {
        longs = java.util.Arrays.copyOf(longs, Math.max(16, count * 2));
      }
      longs[count++] = v;
    }

    int count() {
      return count;
    }

    boolean integers() {
      return integers;
    }

    double number(int i) {
      return integers ? longs[i] : doubles[i];
    }

    long integer(int i) {
      return integers ? longs[i] : (long) doubles[i];
    }
  }
}
