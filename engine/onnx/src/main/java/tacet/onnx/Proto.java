package tacet.onnx;

import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;

/** The messages of an ONNX file, as far as inference needs them. Field numbers are those of onnx.proto. */
final class Proto {

  private Proto() {}

  static final class Model {
    final List<OperatorSet> opsets = new ArrayList<>();
    final List<Function> functions = new ArrayList<>();
    Graph graph;
  }

  record OperatorSet(String domain, long version) {}

  static final class Graph {
    final List<Node> nodes = new ArrayList<>();
    final List<TensorData> initializers = new ArrayList<>();
    final List<Value> inputs = new ArrayList<>();
    final List<Value> outputs = new ArrayList<>();
    int sparseInitializers;
  }

  /** A function of the model's own, which its nodes call like an operator. */
  static final class Function {
    String name = "";
    String domain = "";
    String overload = "";
    final List<String> inputs = new ArrayList<>();
    final List<String> outputs = new ArrayList<>();
    final List<Node> nodes = new ArrayList<>();
    final List<Attribute> defaults = new ArrayList<>();
    final List<OperatorSet> opsets = new ArrayList<>();
  }

  static final class Node {
    String name = "";
    String type = "";
    String domain = "";
    String overload = "";

    /** Version of the standard operators that the node is written in; not a field of the message. */
    long opset;

    final List<String> inputs = new ArrayList<>();
    final List<String> outputs = new ArrayList<>();
    final List<Attribute> attributes = new ArrayList<>();
  }

  /** {@code type} is the number of AttributeProto.AttributeType, also where the file does not give it. */
  static final class Attribute {
    String name = "";
    int type;
    float f;
    long i;
    String s = "";
    TensorData t;
    List<Float> floats = new ArrayList<>();
    List<Long> ints = new ArrayList<>();

    /** In a function: the attribute of the calling node that this one takes its value from; else empty. */
    String reference = "";

    /** The same value under another name. */
    Attribute named(String other) {
      Attribute a = new Attribute();
      a.name = other;
      a.type = type;
      a.f = f;
      a.i = i;
      a.s = s;
      a.t = t;
      a.floats = floats;
      a.ints = ints;
      return a;
    }
  }

  /** A declared input or output; {@code dims} null where no shape is given, {@code other} where it is no tensor. */
  static final class Value {
    String name = "";
    long elementType;
    long[] dims;
    boolean other;
  }

  static final class TensorData {
    String name = "";
    long type;
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
      if (count >= doubles.length) {
        doubles = java.util.Arrays.copyOf(doubles, Math.max(16, count * 2));
      }
      doubles[count++] = v;
    }

    void add(long v) {
      integers = true;
      if (count >= longs.length) {
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
