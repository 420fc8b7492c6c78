package tacet.bench;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;

/** The OpenMP runtime that oneDNN was linked with. */
@SuppressWarnings("restricted")
final class OpenMp {

  private static final String LIBRARY = "libgomp.so.1";

  private static final MethodHandle SET_THREADS =
      Linker.nativeLinker()
          .downcallHandle(
              SymbolLookup.libraryLookup(LIBRARY, Arena.global())
                  .findOrThrow("omp_set_num_threads"),
              FunctionDescriptor.ofVoid(ValueLayout.JAVA_INT));

  private OpenMp() {}

  /** Sets how many threads oneDNN uses for calls from the current thread. oneDNN must have been loaded. */
  static void setThreads(int threads) {
    try {
      SET_THREADS.invokeExact(threads);
    } catch (Throwable e) {
      throw new IllegalStateException("omp_set_num_threads failed", e);
    }
  }
}
