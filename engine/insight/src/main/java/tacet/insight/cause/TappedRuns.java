package tacet.insight.cause;

import java.lang.foreign.MemorySegment;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import tacet.Model;
import tacet.Session;
import tacet.kernels.DataType;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/**
 * Runs of a network whose values are looked at, on one thread at a time. Fresh memory for all of them in every run would take as
 * long as the network does: sessions are kept for the shapes that were asked for last.
 */
final class TappedRuns implements AutoCloseable {

  /** Sessions that are kept: an image as it is, and parts of it. */
  private static final int SESSIONS = 2;

  private record Key(Shape input, Set<String> taps) {}

  private final Model model;
  private final Network network;
  private final String input;
  private final LinkedHashMap<Key, Session> sessions = new LinkedHashMap<>(8, 0.75f, true);

  /** Where what the input holds decides shapes there are no sessions. */
  private boolean sessionless;

  TappedRuns(Model model, Network network) {
    this.model = model;
    this.network = network;
    this.input = network.graph().inputs().getFirst().name();
  }

  /**
   * Runs the network.
   *
   * @param taps values that are kept until the end of a run
   * @param wanted which of them the caller looks at
   */
  Values run(Tensor image, Set<String> taps, Predicate<String> wanted) throws InterruptedException {
    Session session = session(new Key(image.shape(), taps));
    if (session == null) {
      Map<String, Tensor> all = model.run(Map.of(input, image), taps).outputs();
      return Values.of(only(all, wanted), network.graph());
    }
    session.input(input).data().copyFrom(image.data());
    session.run();
    return Values.of(only(session.outputs(), wanted), network.graph());
  }

  /** The session's own memory is written over by the next run: what is not copied into an array anyway is copied here. */
  private static Map<String, Tensor> only(Map<String, Tensor> all, Predicate<String> wanted) {
    Map<String, Tensor> some = new HashMap<>();
    all.forEach(
        (name, t) -> {
          if (wanted.test(name)) {
            some.put(name, t.type() == DataType.FLOAT32 ? t : copy(t));
          }
        });
    return some;
  }

  private static Tensor copy(Tensor t) {
    Tensor copy = Tensor.allocate(t.type(), t.shape());
    MemorySegment.copy(t.data(), 0, copy.data(), 0, t.data().byteSize());
    return copy;
  }

  private Session session(Key key) {
    Session session = sessions.get(key);
    if (session != null || sessionless) {
      return session;
    }
    if (sessions.size() == SESSIONS) {
      Key eldest = sessions.firstEntry().getKey();
      sessions.remove(eldest).close();
    }
    try {
      session = model.session(Map.of(input, key.input), key.taps);
    } catch (IllegalArgumentException e) {
      sessionless = true;
      return null;
    }
    sessions.put(key, session);
    return session;
  }

  @Override
  public void close() {
    sessions.values().forEach(Session::close);
  }
}
