package tacet.kernels;

/** A parallel loop over independent pieces of work. */
public interface Parallel {

  /** A loop that runs everything on the caller's thread; for one thread at a time. */
  static Parallel serial() {
    return new Parallel() {
      private float[] floats = new float[0];
      private long[] longs = new long[0];
      private int[] ints = new int[0];

      @Override
      public int threads() {
        return 1;
      }

      @Override
      public void forEach(int items, Body body) {
        for (int i = 0; i < items; i++) {
          body.run(i, 0);
        }
      }

      @Override
      public float[] floats(int thread, int length) {
        if (floats.length < length) {
          floats = new float[length];
        }
        return floats;
      }

      @Override
      public long[] longs(int thread, int length) {
        if (longs.length < length) {
          longs = new long[length];
        }
        return longs;
      }

      @Override
      public int[] ints(int thread, int length) {
        if (ints.length < length) {
          ints = new int[length];
        }
        return ints;
      }
    };
  }

  /** One piece of work. */
  @FunctionalInterface
  interface Body {
    /**
     * @param item 0 … items − 1
     * @param thread 0 … threads − 1, the number of the thread that runs it within this loop
     */
    void run(int item, int thread);
  }

  /** Most threads that take part in a loop, the caller's included. */
  int threads();

  /** Runs the body for every item and returns when all are done; the caller's thread takes part. */
  void forEach(int items, Body body);

  /**
   * Scratch memory on the heap for one thread of the loop, which it keeps until the inference ends.
   *
   * @return at least {@code length} floats of unspecified content
   */
  float[] floats(int thread, int length);

  /** The same as longs. */
  long[] longs(int thread, int length);

  /** The same as ints. */
  int[] ints(int thread, int length);
}
