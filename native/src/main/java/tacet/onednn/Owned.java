package tacet.onednn;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.Deque;
import org.bytedeco.javacpp.Pointer;

/** Native objects and memory that are freed together, the last made first. */
final class Owned implements AutoCloseable {

  private final Deque<Pointer> pointers = new ArrayDeque<>();
  private Arena arena;

  synchronized <P extends Pointer> P keep(P pointer) {
    pointers.push(pointer);
    return pointer;
  }

  synchronized MemorySegment allocate(long bytes, long alignment) {
    if (arena == null) {
      arena = Arena.ofShared();
    }
    return arena.allocate(bytes, alignment);
  }

  @Override
  public synchronized void close() {
    while (!pointers.isEmpty()) {
      pointers.pop().close();
    }
    if (arena != null) {
      arena.close();
    }
  }
}
