package tacet.plan;

import java.util.List;
import tacet.kernels.Kernel;

/** Runs a layer's kernel for sparse weights, which is there in the place of the dense one. */
final class RunListed implements SkippingStep {

  private final String name;
  private final String backend;
  private final CostCurve curve;
  private final int counts;
  private final Steps.RunKernel run;

  /**
   * @param curve its time and the dense kernel's
   * @param counts number of the counters, or −1
   */
  RunListed(
      Kernel kernel,
      String backend,
      CostCurve curve,
      List<Placement.Image> inputs,
      Placement.Image output,
      int counts) {
    this.name = kernel.name();
    this.backend = backend;
    this.curve = curve;
    this.counts = counts;
    this.run = new Steps.RunKernel(kernel, inputs, output, counts);
  }

  @Override
  public void place() {
    run.place();
  }

  @Override
  public boolean isSettled() {
    return run.isSettled();
  }

  @Override
  public void run(Workspace w) {
    run.run(w);
  }

  @Override
  public String lastKernel(Workspace w) {
    return name;
  }

  @Override
  public String lastBackend(Workspace w) {
    return backend;
  }

  @Override
  public long skipped(Workspace w) {
    return counts < 0 ? 0 : w.counts[counts].skipped();
  }

  @Override
  public double[] expected(Workspace w) {
    return new double[] {curve.dense(), curve.skipping(0)};
  }
}
