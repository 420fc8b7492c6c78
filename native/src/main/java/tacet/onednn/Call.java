package tacet.onednn;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.bytedeco.dnnl.memory;
import org.bytedeco.dnnl.stream;

/** One execution at a time of a part: its memory objects, pointed at the operands of each run. */
final class Call {

  private final long primitive;
  private final long queue;
  private final Part.Place[] places;
  private final long[] offsets;
  private final long[] memories;
  private final MemorySegment arguments;

  Call(Part part, Owned owned) {
    List<Part.Operand> operands = part.operands();
    int n = operands.size();
    primitive = part.primitive();
    queue = owned.keep(new stream(Native.CPU)).get().address();
    places = new Part.Place[n];
    offsets = new long[n];
    memories = new long[n];
    arguments = owned.allocate(n * Native.ARGUMENT_BYTES, Long.BYTES);
    for (int i = 0; i < n; i++) {
      Part.Operand o = operands.get(i);
      places[i] = o.place();
      offsets[i] = o.offset();
      memories[i] =
          owned
              .keep(new memory(o.description(), Native.CPU, new Native.Address(0)))
              .get()
              .address();
      arguments.set(ValueLayout.JAVA_INT, i * Native.ARGUMENT_BYTES, o.argument());
      arguments.set(ValueLayout.JAVA_LONG, i * Native.ARGUMENT_BYTES + Long.BYTES, memories[i]);
      if (o.place() == Part.Place.CONSTANT) {
        Native.point(memories[i], o.offset());
      }
    }
  }

  /** Runs the part on operands at these addresses. */
  void run(long input, long residual, long output, long scratch) {
    for (int i = 0; i < memories.length; i++) {
      switch (places[i]) {
        case INPUT -> Native.point(memories[i], input + offsets[i]);
        case RESIDUAL -> Native.point(memories[i], residual + offsets[i]);
        case OUTPUT -> Native.point(memories[i], output + offsets[i]);
        case SCRATCH -> Native.point(memories[i], scratch + offsets[i]);
        case CONSTANT -> {}
      }
    }
    Native.execute(primitive, queue, memories.length, arguments);
  }
}
