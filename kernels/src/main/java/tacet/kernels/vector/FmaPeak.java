package tacet.kernels.vector;

import java.util.concurrent.atomic.DoubleAdder;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;
import tacet.kernels.Parallel;

/** Measures how many multiply-adds the cores can do: twelve independent chains hide the latency of each. */
final class FmaPeak {

  private static final int CHAINS = 12;
  private static final int STEPS = 200_000;
  private static final int ROUNDS = 60;

  private FmaPeak() {}

  /** 10⁹ floating-point operations per second on all threads of the loop together; best round of several; NaN without the instruction. */
  static double gflops(Parallel parallel) {
    if (!Lanes.HAS_FMA) {
      return Double.NaN;
    }
    double best = 0;
    DoubleAdder sink = new DoubleAdder();
    int threads = parallel.threads();
    for (int round = 0; round < ROUNDS; round++) {
      long start = System.nanoTime();
      parallel.forEach(threads, (_, _) -> sink.add(chains(STEPS)));
      long nanos = System.nanoTime() - start;
      best = Math.max(best, 2.0 * CHAINS * Lanes.COUNT * STEPS * threads / nanos);
    }
    return Double.isFinite(sink.sum()) ? best : Double.NaN;
  }

  private static float chains(int steps) {
    FloatVector b = FloatVector.broadcast(Lanes.FLOATS, 0.9999f);
    FloatVector c = FloatVector.broadcast(Lanes.FLOATS, 1e-4f);
    FloatVector a0 = b;
    FloatVector a1 = b;
    FloatVector a2 = b;
    FloatVector a3 = b;
    FloatVector a4 = b;
    FloatVector a5 = b;
    FloatVector a6 = b;
    FloatVector a7 = b;
    FloatVector a8 = b;
    FloatVector a9 = b;
    FloatVector a10 = b;
    FloatVector a11 = b;
    // Added to, not multiplied: the instruction that C2 takes overwrites what it adds to, and would
    // copy c first.
    for (int i = 0; i < steps; i++) {
      a0 = b.fma(c, a0);
      a1 = b.fma(c, a1);
      a2 = b.fma(c, a2);
      a3 = b.fma(c, a3);
      a4 = b.fma(c, a4);
      a5 = b.fma(c, a5);
      a6 = b.fma(c, a6);
      a7 = b.fma(c, a7);
      a8 = b.fma(c, a8);
      a9 = b.fma(c, a9);
      a10 = b.fma(c, a10);
      a11 = b.fma(c, a11);
    }
    FloatVector sum = a0.add(a1).add(a2).add(a3).add(a4).add(a5);
    return sum.add(a6).add(a7).add(a8).add(a9).add(a10).add(a11).reduceLanes(VectorOperators.ADD);
  }
}
