package tacet.plan;

import java.util.ArrayList;
import java.util.List;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.concurrent.atomic.AtomicBoolean;
import tacet.kernels.KernelProvider;

/** Finds the kernel providers of this machine, best first. */
public final class Providers {

  private static final System.Logger LOG = System.getLogger("tacet");
  private static final AtomicBoolean WARNED = new AtomicBoolean();
  private static final String VECTOR = "vector";
  private static final String ONEDNN = "onednn";

  private Providers() {}

  /**
   * @param backend name of a {@code tacet.Backend}
   * @return empty for the reference implementation alone
   * @throws IllegalStateException where a backend was asked for by name and is not there
   */
  public static List<KernelProvider> of(String backend) {
    return switch (backend) {
      case "SCALAR" -> List.of();
      case "ONEDNN" ->
          required(ONEDNN, "no oneDNN module is installed; use auto, vector or scalar");
      case "VECTOR" -> required(VECTOR, "start java with --add-modules jdk.incubator.vector");
      default -> {
        List<KernelProvider> all = installed();
        if (all.stream().noneMatch(p -> p.name().equals(VECTOR))
            && WARNED.compareAndSet(false, true)) {
          LOG.log(
              System.Logger.Level.WARNING,
              "no module jdk.incubator.vector: computing without SIMD; start java with"
                  + " --add-modules jdk.incubator.vector");
        }
        yield all;
      }
    };
  }

  private static List<KernelProvider> required(String name, String otherwise) {
    List<KernelProvider> found = installed().stream().filter(p -> p.name().equals(name)).toList();
    if (found.isEmpty()) {
      throw new IllegalStateException("backend " + name + ": " + otherwise);
    }
    return found;
  }

  private static List<KernelProvider> installed() {
    boolean simd = ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent();
    List<KernelProvider> found = new ArrayList<>();
    try {
      for (KernelProvider p : ServiceLoader.load(KernelProvider.class)) {
        if (p.name().equals(VECTOR) && !simd) {
          continue;
        }
        found.add(p.name().equals(ONEDNN) ? 0 : found.size(), p);
      }
    } catch (ServiceConfigurationError e) {
      LOG.log(
          System.Logger.Level.WARNING,
          "a kernel provider could not be loaded: {0}",
          e.getMessage());
    }
    return List.copyOf(found);
  }
}
