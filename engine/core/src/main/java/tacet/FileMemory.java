package tacet;

import java.lang.foreign.Arena;

/** The file of a model, mapped until neither the model nor a plan of it needs it. */
final class FileMemory {

  /** Of a graph that does not belong to its model: never closed. */
  static final FileMemory NONE = new FileMemory(null);

  private final Arena arena;
  private int holders = 1;

  /** Held once, by the model. */
  FileMemory(Arena arena) {
    this.arena = arena;
  }

  synchronized void hold() {
    holders++;
  }

  /** Unmaps the file with the last holder. */
  synchronized void release() {
    if (--holders == 0 && arena != null) {
      arena.close();
    }
  }
}
