/** Graph, planner, models and sparsity profiles. Depends on nothing but the JDK and the kernels. */
module tacet {
  requires transitive tacet.kernels;
  // Without it, no flight recordings.
  requires static jdk.jfr;

  exports tacet;
  exports tacet.error;
  exports tacet.format;
  exports tacet.graph;
  exports tacet.profile;
  exports tacet.reference;
  exports tacet.tensor;

  uses tacet.format.ModelReader;
  uses tacet.kernels.KernelProvider;
}
