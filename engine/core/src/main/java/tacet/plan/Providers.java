package tacet.plan;

import java.util.ArrayList;
import java.util.List;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.concurrent.atomic.AtomicBoolean;
import tacet.kernels.KernelProvider;
import tacet.kernels.vector.VectorProvider;

/** Finds the kernel providers of this machine, best first. */
public final class Providers {

  private static final System.Logger LOG = System.getLogger("tacet");
  private static final AtomicBoolean WARNED = new AtomicBoolean();

  private Providers() {}

  /**
   * @param backend name of a {@code tacet.Backend}
   * @return empty for the reference implementation alone
   * @throws IllegalStateException where a backend was asked for by name and is not there
   */
  public static List<KernelProvider> of(String backend) {
    List<KernelProvider> found = new ArrayList<>();
    switch (backend) {
      case "SCALAR" -> {}
      case "ONEDNN" -> {
        installed(found);
        if (found.isEmpty()) {
          throw new IllegalStateException(
              "backend onednn: no oneDNN module is installed; use auto, vector or scalar");
        }
        vector(found, false);
      }
      case "VECTOR" -> vector(found, true);
      default -> {
        installed(found);
        vector(found, false);
      }
    }
    return List.copyOf(found);
  }

  private static void installed(List<KernelProvider> found) {
    try {
      ServiceLoader.load(KernelProvider.class).forEach(found::add);
    } catch (ServiceConfigurationError e) {
      LOG.log(System.Logger.Level.WARNING, "a kernel provider could not be loaded: {0}", e.getMessage());
    }
  }

  private static void vector(List<KernelProvider> found, boolean required) {
    if (ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent()) {
      found.add(new VectorProvider());
      return;
    }
    if (required) {
      throw new IllegalStateException(
          "backend vector: start java with --add-modules jdk.incubator.vector");
    }
    if (WARNED.compareAndSet(false, true)) {
      LOG.log(
          System.Logger.Level.WARNING,
          "no module jdk.incubator.vector: computing without SIMD; start java with"
              + " --add-modules jdk.incubator.vector");
    }
  }
}
