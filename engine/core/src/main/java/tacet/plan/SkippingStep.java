package tacet.plan;

/** A step that may leave out products with zeros; what the last run of it on a workspace was. */
interface SkippingStep extends Step {

  /** Name of the kernel that ran. */
  String lastKernel(Workspace w);

  /** Who made it. */
  String lastBackend(Workspace w);

  /** Multiply-adds left out; 0 where nothing is counted. */
  long skipped(Workspace w);

  /** What kernels were expected to take: the dense one, and the one that ran. */
  double[] expected(Workspace w);
}
