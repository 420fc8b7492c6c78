/** Operations, their kernels, and the counting of zeros. Depends on nothing but the JDK. */
module tacet.kernels {
  // Optional at run time: without it everything is computed without SIMD.
  requires static jdk.incubator.vector;

  exports tacet.kernels;
  exports tacet.kernels.pack;
  exports tacet.kernels.scalar;

  provides tacet.kernels.KernelProvider with
      tacet.kernels.vector.VectorProvider;
}
