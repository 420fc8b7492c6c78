package tacet.kernels.vector;

/**
 * Whether a SIMD method runs as compiled code yet. Until C2 has compiled it, every vector operation makes an object and
 * takes a hundred times as long; so its callers compute with the {@link ColdCode plain code} of the same results and
 * rehearse the method on a small piece of the work now and then, until a rehearsal shows that it has been compiled. Without
 * C2 it stays at plain code.
 *
 * <p>Threads share one object per method without synchronisation: what gets lost is a measurement.
 */
final class Rehearsal {

  /** Most nanoseconds that a vector operation takes where it is compiled: about one does, fifty at least if not. */
  private static final int COMPILED = 8;

  /** Most nanoseconds that reading the clock adds to what is timed; less than an operation that is not compiled. */
  private static final int CLOCK = 40;

  /** Nanoseconds of plain code before the first rehearsal: the first result is waited for. */
  private static final long START = 30_000_000;

  /** Nanoseconds of plain code of whose time rehearsals take no more than a quarter. */
  private static final long FIRST = 200_000_000;

  /**
   * Plain code counts as if it took this part of the time since it ran last. A method that a few columns of one layer need
   * would wait for minutes otherwise, and whoever waits for the layer with it.
   */
  private static final int SHARE = 16;

  /** Most that is counted so at once. */
  private static final long MOST = 1_000_000;

  /** Tests of the SIMD methods, and whoever wants to see how they fare uncompiled, set this to false. */
  static final boolean WANTED = Boolean.parseBoolean(System.getProperty("tacet.rehearse", "true"));

  private boolean done;
  private long plainNanos;
  private long plainEnd;
  private long rehearsedNanos;

  Rehearsal() {
    this(WANTED);
  }

  /**
   * @param wanted whether plain code computes until the method is compiled
   */
  Rehearsal(boolean wanted) {
    done = !wanted;
  }

  /** Whether the method has been compiled. */
  boolean isDone() {
    return done;
  }

  /** Whether plain code has been run because the method is not compiled yet. */
  boolean isPending() {
    return !done && plainNanos > 0;
  }

  /**
   * Whether it is time to call the method again. After the first results rehearsals may take as long as plain code does: with
   * a quarter of that throughout, it took up to twice as long until all methods of a network were compiled.
   */
  boolean isDue() {
    return !done && rehearsedNanos <= Math.max((plainNanos - START) / 4, plainNanos - FIRST);
  }

  /**
   * The method has been called.
   *
   * @param start of {@link System#nanoTime}
   * @param operations vector operations that the call took
   */
  void rehearsed(long start, long operations) {
    long nanos = System.nanoTime() - start;
    rehearsedNanos += nanos;
    if (nanos < COMPILED * operations + CLOCK) {
      done = true;
    }
  }

  /**
   * Plain code has been run instead.
   *
   * @param start of {@link System#nanoTime}
   */
  void computed(long start) {
    waited(System.nanoTime() - start);
  }

  /** Plain code has been run for so long instead. */
  void waited(long nanos) {
    long now = System.nanoTime();
    long since = plainNanos == 0 ? 0 : now - plainEnd;
    plainNanos += Math.max(nanos, Math.min(since / SHARE, MOST));
    plainEnd = now;
  }

  static Rehearsal[] several(int count) {
    Rehearsal[] all = new Rehearsal[count];
    for (int i = 0; i < count; i++) {
      all[i] = new Rehearsal();
    }
    return all;
  }
}
