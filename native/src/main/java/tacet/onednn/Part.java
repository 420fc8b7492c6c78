package tacet.onednn;

import java.util.List;
import org.bytedeco.dnnl.memory;

/**
 * A primitive for some of a kernel's output channels of one image.
 *
 * @param primitive its address
 * @param operands what it reads and writes
 */
record Part(long primitive, List<Operand> operands) {

  /**
   * @param argument oneDNN's number of the argument
   * @param description shape and layout
   * @param place where it is found at run time
   * @param offset bytes from there; of a constant, its address
   */
  record Operand(int argument, memory.desc description, Place place, long offset) {}

  /** Where an operand is found at run time. */
  enum Place {
    INPUT,
    RESIDUAL,
    OUTPUT,
    SCRATCH,
    CONSTANT
  }
}
