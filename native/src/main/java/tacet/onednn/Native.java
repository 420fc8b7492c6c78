package tacet.onednn;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.SymbolLookup;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import org.bytedeco.dnnl.dnnl_version_t;
import org.bytedeco.dnnl.engine;
import org.bytedeco.dnnl.global.dnnl;
import org.bytedeco.javacpp.Loader;
import org.bytedeco.javacpp.Pointer;
import tacet.onednn.Primitives.NotFast;

/**
 * oneDNN's functions. Primitives are made through JavaCPP; what happens on every run goes through the FFM API on
 * addresses, which allocates nothing.
 */
@SuppressWarnings("restricted")
final class Native {

  /** The libraries that loading the wrapper has brought into the process. */
  private static final String ONEDNN = "libdnnl.so.3";

  private static final String OPENMP = "libgomp.so.1";

  /** {@code dnnl_exec_arg_t}: an int and a pointer. */
  static final long ARGUMENT_BYTES = 16;

  static final engine CPU;
  static final String VERSION;

  private static final MethodHandle EXECUTE;
  private static final MethodHandle SET_HANDLE;
  private static final MethodHandle SET_THREADS;
  private static final MethodHandle GET_THREADS;

  static {
    Unpacked.mend(dnnl.class.getClassLoader(), Library.WRAPPER.formatted(Loader.getPlatform()));
    Loader.load(dnnl.class);
    SymbolLookup oneDnn = SymbolLookup.libraryLookup(ONEDNN, Arena.global());
    SymbolLookup openMp = SymbolLookup.libraryLookup(OPENMP, Arena.global());
    MemoryLayout address = ValueLayout.JAVA_LONG;
    EXECUTE =
        function(
            oneDnn,
            "dnnl_primitive_execute",
            FunctionDescriptor.of(
                ValueLayout.JAVA_INT, address, address, ValueLayout.JAVA_INT, address));
    SET_HANDLE =
        function(
            oneDnn,
            "dnnl_memory_set_data_handle",
            FunctionDescriptor.of(ValueLayout.JAVA_INT, address, address));
    SET_THREADS =
        function(openMp, "omp_set_num_threads", FunctionDescriptor.ofVoid(ValueLayout.JAVA_INT));
    GET_THREADS =
        function(openMp, "omp_get_max_threads", FunctionDescriptor.of(ValueLayout.JAVA_INT));
    CPU = new engine(engine.kind.cpu, 0);
    dnnl_version_t v = dnnl.dnnl_version();
    VERSION = v.major() + "." + v.minor() + "." + v.patch();
  }

  private Native() {}

  /** Null: by the time this can be called, everything is loaded. */
  static String failure() {
    return null;
  }

  private static MethodHandle function(
      SymbolLookup library, String name, FunctionDescriptor descriptor) {
    return Linker.nativeLinker().downcallHandle(library.findOrThrow(name), descriptor);
  }

  /** Memory by its address, which oneDNN shall neither free nor outlive. */
  static final class Address extends Pointer {
    Address(long address) {
      this.address = address;
    }
  }

  /**
   * Runs a primitive on the calling thread alone: OpenMP gets one thread for every call, since any thread may call and
   * each has a setting of its own.
   *
   * @param arguments {@code count} structures of {@link #ARGUMENT_BYTES} bytes
   * @throws IllegalStateException where oneDNN reports an error
   */
  static void execute(long primitive, long stream, int count, MemorySegment arguments) {
    int status;
    try {
      SET_THREADS.invokeExact(1);
      status = (int) EXECUTE.invokeExact(primitive, stream, count, arguments.address());
    } catch (Throwable e) {
      throw unexpected(e);
    }
    if (status != dnnl.dnnl_success) {
      throw new IllegalStateException("oneDNN failed with status " + status);
    }
  }

  /** Points a memory object at other memory. */
  static void point(long memory, long address) {
    int status;
    try {
      status = (int) SET_HANDLE.invokeExact(memory, address);
    } catch (Throwable e) {
      throw unexpected(e);
    }
    if (status != dnnl.dnnl_success) {
      throw new IllegalStateException("oneDNN failed with status " + status);
    }
  }

  /** Makes primitives for one thread: their blocking depends on how many threads OpenMP would have. */
  static <T> T single(Making<T> making) throws NotFast {
    int before = threads();
    setThreads(1);
    try {
      return making.make();
    } finally {
      setThreads(before);
    }
  }

  /** Makes something of oneDNN's. */
  interface Making<T> {
    T make() throws NotFast;
  }

  private static int threads() {
    try {
      return (int) GET_THREADS.invokeExact();
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  private static void setThreads(int threads) {
    try {
      SET_THREADS.invokeExact(threads);
    } catch (Throwable e) {
      throw unexpected(e);
    }
  }

  private static IllegalStateException unexpected(Throwable e) {
    return new IllegalStateException("a call of oneDNN failed", e);
  }
}
