package tacet;

/**
 * The file of a model, mapped until neither the model nor a plan of it needs it, and copies of what it does not hold as it is
 * needed.
 */
final class FileMemory {

  /** Of a graph that does not belong to its model: never closed. */
  static final FileMemory NONE = new FileMemory(null);

  private final MemoryAccount.Scope memory;
  private int holders = 1;

  /** Held once, by the model. */
  FileMemory(MemoryAccount.Scope memory) {
    this.memory = memory;
  }

  /** Bytes of copies. */
  long copiedBytes() {
    return memory == null ? 0 : memory.bytes();
  }

  synchronized void hold() {
    holders++;
  }

  /** Unmaps the file with the last holder. */
  synchronized void release() {
    if (--holders == 0 && memory != null) {
      memory.close();
    }
  }
}
