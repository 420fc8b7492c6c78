package tacet.kernels;

/** A parallel loop over independent pieces of work. */
public interface Parallel {

  /** Runs everything on the caller's thread. */
  Parallel SERIAL =
      new Parallel() {
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
      };

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
}
