package tacet.onednn;

import java.util.ArrayDeque;
import java.util.Deque;
import org.bytedeco.javacpp.Pointer;

/** Native objects that are freed together, the last made first. */
final class Owned implements AutoCloseable {

  private final Deque<Pointer> pointers = new ArrayDeque<>();

  synchronized <P extends Pointer> P keep(P pointer) {
    pointers.push(pointer);
    return pointer;
  }

  @Override
  public synchronized void close() {
    while (!pointers.isEmpty()) {
      pointers.pop().close();
    }
  }
}
