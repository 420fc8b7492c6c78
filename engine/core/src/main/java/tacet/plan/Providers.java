package tacet.plan;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.ServiceConfigurationError;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import tacet.jfr.Flight;
import tacet.kernels.KernelProvider;

/** Finds the kernel providers of this machine. */
public final class Providers {

  private static final System.Logger LOG = System.getLogger("tacet");
  private static final Set<String> WARNED = ConcurrentHashMap.newKeySet();
  private static final String VECTOR = "vector";
  private static final String ONEDNN = "onednn";
  private static final String NO_SIMD =
      "no module jdk.incubator.vector; start java with --add-modules jdk.incubator.vector";

  private Providers() {}

  /**
   * Providers in the order in which they are asked. Where SIMD comes before another, the plan decides per node by
   * measurement.
   *
   * @param backend name of a {@code tacet.Backend}
   * @param threads most threads of a run
   * @return empty for the reference implementation alone
   * @throws IllegalStateException where a backend was asked for by name and is not there
   */
  public static List<KernelProvider> of(String backend, int threads) {
    if (backend.equals("SCALAR")) {
      return List.of();
    }
    KernelProvider vector = find(VECTOR);
    if (backend.equals("VECTOR")) {
      return List.of(required(vector, VECTOR, NO_SIMD));
    }
    KernelProvider oneDnn = find(ONEDNN);
    if (backend.equals("ONEDNN")) {
      String missing = "the module tacet.onednn is not installed";
      if (oneDnn != null) {
        missing = vector == null ? NO_SIMD : oneDnn.unavailable();
      }
      return List.of(
          required(missing == null ? oneDnn : null, ONEDNN, missing).forThreads(threads), vector);
    }
    if (vector == null) {
      warn(NO_SIMD + "; computing without SIMD");
      return List.of();
    }
    if (oneDnn == null || warned(oneDnn.obstacle()) != null) {
      return List.of(vector);
    }
    return List.of(vector, oneDnn.forThreads(threads));
  }

  /** Loads a provider that is asked after SIMD. Where it cannot be used, says why, once per process; else null. */
  static String load(KernelProvider other) {
    return warned(other.unavailable());
  }

  private static String warned(String missing) {
    if (missing != null) {
      warn("oneDNN is not used: " + missing + "; SIMD kernels compute everything");
    }
    return missing;
  }

  /** The one that knows element-wise operations and copies. */
  static KernelProvider simd(List<KernelProvider> providers) {
    return providers.stream()
        .filter(p -> p.name().equals(VECTOR))
        .findFirst()
        .orElse(providers.getFirst());
  }

  private static KernelProvider required(KernelProvider found, String name, String otherwise) {
    if (found == null) {
      throw new IllegalStateException("backend " + name + ": " + otherwise);
    }
    return found;
  }

  private static KernelProvider find(String name) {
    if (name.equals(VECTOR) && !ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent()) {
      return null;
    }
    for (KernelProvider p : installed()) {
      if (p.name().equals(name)) {
        return p;
      }
    }
    return null;
  }

  private static List<KernelProvider> installed() {
    List<KernelProvider> found = new ArrayList<>();
    Iterator<KernelProvider> all = ServiceLoader.load(KernelProvider.class).iterator();
    while (true) {
      try {
        if (!all.hasNext()) {
          return found;
        }
        found.add(all.next());
      } catch (ServiceConfigurationError e) {
        warn("a kernel provider could not be loaded: " + e.getMessage());
      }
    }
  }

  /** Once per process and reason. */
  private static void warn(String message) {
    if (WARNED.add(message)) {
      LOG.log(System.Logger.Level.WARNING, message);
      Flight.warning(message);
    }
  }
}
