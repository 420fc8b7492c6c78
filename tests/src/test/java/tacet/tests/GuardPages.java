package tacet.tests;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.ServiceLoader;
import java.util.SplittableRandom;
import tacet.kernels.Activation;
import tacet.kernels.ConvSpec;
import tacet.kernels.ImageLayout;
import tacet.kernels.ImageLayout.Halo;
import tacet.kernels.Kernel;
import tacet.kernels.KernelProvider;
import tacet.kernels.KernelProvider.Choice;
import tacet.kernels.KernelProvider.FlattenOrder;
import tacet.kernels.KernelProvider.SparseWeights;
import tacet.kernels.PixelSpec;
import tacet.kernels.PointwiseSpec;
import tacet.kernels.PointwiseSpec.Second;
import tacet.kernels.PoolSpec;
import tacet.kernels.SelectSpec;
import tacet.kernels.ThreadBudget;
import tacet.kernels.Weights;
import tacet.kernels.ZeroCounts;

/**
 * Runs every kind of kernel of every provider in memory that ends where an operand ends – an input, the output or the
 * scratch, in turn – and behind which nothing is mapped; packed weights end so in any case. A read or write behind it ends
 * the VM, and the last line printed says in which case. Behind the other operands lies NaN, which must stay as it is.
 * Linux only.
 */
@SuppressWarnings("restricted")
final class GuardPages {

  private static final int PAGE = 4096;
  private static final int NONE = 0;
  private static final int READ_WRITE = 3;
  private static final int PRIVATE_ANONYMOUS = 0x22;

  private static final Linker LINKER = Linker.nativeLinker();
  private static final MethodHandle MMAP =
      function(
          "mmap",
          FunctionDescriptor.of(
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_LONG));
  private static final MethodHandle MPROTECT =
      function(
          "mprotect",
          FunctionDescriptor.of(
              ValueLayout.JAVA_INT,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_LONG,
              ValueLayout.JAVA_INT));
  private static final MethodHandle MUNMAP =
      function(
          "munmap",
          FunctionDescriptor.of(
              ValueLayout.JAVA_INT, ValueLayout.JAVA_LONG, ValueLayout.JAVA_LONG));

  private static final List<Activation> ACTIVATIONS =
      List.of(
          Activation.IDENTITY,
          Activation.RELU,
          Activation.RELU6,
          Activation.of(Activation.Kind.SIGMOID),
          new Activation(Activation.Kind.LEAKY_RELU, 0.1f, 0f));

  private GuardPages() {}

  /** Arguments: number of cases per provider, and "beyond" to read behind an operand on purpose. */
  public static void main(String[] args) throws InterruptedException {
    if (args.length > 1) {
      try (Memory m = new Memory(1 << 20)) {
        System.out.println("beyond");
        long end = m.operand(64) + 64;
        System.out.println(m.segment.get(ValueLayout.JAVA_FLOAT, end));
      }
      return;
    }
    int cases = Integer.parseInt(args[0]);
    for (KernelProvider p : ServiceLoader.load(KernelProvider.class)) {
      try (ThreadBudget one = new ThreadBudget(1);
          ThreadBudget two = new ThreadBudget(2)) {
        for (int i = 0; i < cases; i++) {
          new Case(p, i % 4 == 3 ? two : one, i).run();
        }
      }
      System.out.println(p.name() + " done");
    }
  }

  private static MethodHandle function(String name, FunctionDescriptor type) {
    return LINKER.downcallHandle(LINKER.defaultLookup().findOrThrow(name), type);
  }

  private static long call(MethodHandle function, Object... arguments) {
    try {
      return ((Number) function.invokeWithArguments(arguments)).longValue();
    } catch (Throwable e) {
      throw new AssertionError(e);
    }
  }

  /** A stretch of address space in which operands lie, each followed by a page that is not mapped. */
  private static final class Memory implements AutoCloseable {
    final MemorySegment segment;
    private final long base;
    private final long size;
    private long next;
    private long end;

    Memory(long size) {
      this.size = size;
      base = call(MMAP, 0L, size, NONE, PRIVATE_ANONYMOUS, -1, 0L);
      segment = MemorySegment.ofAddress(base).reinterpret(size);
    }

    /** Offset of an operand whose last byte is the last before the unmapped page. */
    long operand(long bytes) {
      long pages = (bytes + PAGE - 1) / PAGE * PAGE;
      if (next + pages + PAGE > size) {
        throw new IllegalStateException("case too large");
      }
      call(MPROTECT, base + next, pages, READ_WRITE);
      long offset = next + pages - bytes;
      end = next + pages;
      next += pages + PAGE;
      return offset;
    }

    /** An operand with a page of NaN behind it. */
    long within(long bytes) {
      long offset = operand(bytes);
      call(MPROTECT, base + end, PAGE, READ_WRITE);
      for (long o = end; o < end + PAGE; o += Float.BYTES) {
        segment.set(ValueLayout.JAVA_FLOAT, o, Float.NaN);
      }
      return offset;
    }

    /** All there is, ending with the operand that was made last. */
    MemorySegment memory() {
      return segment.asSlice(0, end);
    }

    void checkBehind(long operandEnd) {
      for (long o = operandEnd; o < operandEnd + PAGE && o < end; o += Float.BYTES) {
        if (!Float.isNaN(segment.get(ValueLayout.JAVA_FLOAT_UNALIGNED, o))) {
          throw new AssertionError("written behind the output");
        }
      }
    }

    /** Where packed weights go. */
    Arena arena() {
      Arena lifetime = Arena.ofShared();
      return new Arena() {
        @Override
        public MemorySegment allocate(long byteSize, long byteAlignment) {
          long aligned = (byteSize + byteAlignment - 1) / byteAlignment * byteAlignment;
          return segment.asSlice(operand(aligned), byteSize);
        }

        @Override
        public MemorySegment.Scope scope() {
          return lifetime.scope();
        }

        @Override
        public void close() {
          lifetime.close();
        }
      };
    }

    @Override
    public void close() {
      call(MUNMAP, base, size);
    }
  }

  /** One random operation on one provider. */
  private static final class Case {
    private final KernelProvider provider;
    private final ThreadBudget budget;
    private final SplittableRandom random;
    private final int lanes;
    private final int number;

    Case(KernelProvider provider, ThreadBudget budget, int number) {
      this.provider = provider;
      this.budget = budget;
      this.number = number;
      this.random = new SplittableRandom(number);
      this.lanes = provider.lanes();
    }

    void run() throws InterruptedException {
      try (Memory memory = new Memory(64L << 20);
          Memory packed = new Memory(64L << 20);
          Arena arena = packed.arena()) {
        switch (number % 5) {
          case 0, 1 -> convolution(memory, arena);
          case 2 -> dense(memory, arena);
          case 3 -> pooling(memory, arena);
          default -> {
            switch (random.nextInt(4)) {
              case 0 -> select(memory);
              case 1 -> pixels(memory);
              default -> pointwise(memory);
            }
          }
        }
      }
    }

    private int channels() {
      int[] sizes = {1, 3, lanes - 1, lanes, lanes + 1, 2 * lanes, 3 * lanes + 2, 5 * lanes};
      return Math.max(1, sizes[random.nextInt(sizes.length)]);
    }

    private void convolution(Memory memory, Arena arena) throws InterruptedException {
      int in = channels();
      int out = channels();
      int groups = 1;
      if (random.nextInt(4) == 0) {
        groups = in;
        out = in;
      } else if (random.nextInt(4) == 0) {
        groups = 2;
        in = 2 * (1 + random.nextInt(lanes + 2));
        out = 2 * (1 + random.nextInt(lanes + 2));
      }
      int kh = 1 + random.nextInt(5);
      int kw = 1 + random.nextInt(5);
      int dy = 1 + random.nextInt(2);
      int dx = 1 + random.nextInt(2);
      int sy = 1 + random.nextInt(2);
      int sx = 1 + random.nextInt(2);
      int top = random.nextInt(3);
      int left = random.nextInt(3);
      int h = 1 + random.nextInt(15) + (kh - 1) * dy;
      int w = 1 + random.nextInt(15) + (kw - 1) * dx;
      int oh = (h + top + random.nextInt(2) - (kh - 1) * dy - 1) / sy + 1;
      int ow = (w + left + random.nextInt(2) - (kw - 1) * dx - 1) / sx + 1;
      boolean residual = random.nextInt(3) == 0;
      ConvSpec spec =
          new ConvSpec(
              1 + random.nextInt(2),
              in,
              h,
              w,
              out,
              oh,
              ow,
              groups,
              kh,
              kw,
              sy,
              sx,
              top,
              left,
              dy,
              dx,
              residual,
              ACTIVATIONS.get(random.nextInt(ACTIVATIONS.size())));
      // Blocked, row-major, or with all channels innermost.
      int inLanes = new int[] {lanes, lanes, 1, in}[random.nextInt(4)];
      ImageLayout x = ImageLayout.of(spec.batch(), in, h, w, inLanes, spec.halo());
      ImageLayout y = ImageLayout.of(spec.batch(), out, oh, ow, lanes, Halo.NONE);
      List<Operand> inputs = new ArrayList<>();
      inputs.add(new Operand(x, spec.halo()));
      if (residual) {
        inputs.add(new Operand(y, Halo.NONE));
      }
      float[] weights = floats(out * (in / groups) * kh * kw);
      float[] bias = random.nextBoolean() ? floats(out) : null;
      ImageLayout added = residual ? y : null;
      Kernel sparse = sparse(spec, x, y, added, FlattenOrder.NONE, weights, bias, arena);
      if (sparse != null) {
        run(memory, sparse, inputs, y, spec.toString());
        return;
      }
      Choice choice =
          provider.convolution(
              spec, x, y, added, FlattenOrder.NONE, Weights.of(weights), bias, arena);
      run(memory, choice, arena, inputs, y, spec.toString());
    }

    /** A matrix, or a flattened image read in place, times a matrix. */
    private void dense(Memory memory, Arena arena) throws InterruptedException {
      int n = 1 + random.nextInt(9);
      int m = channels();
      boolean flattened = random.nextBoolean();
      ImageLayout x =
          flattened
              ? ImageLayout.of(
                  n, channels(), 1 + random.nextInt(4), 1 + random.nextInt(4), lanes, Halo.NONE)
              : ImageLayout.of(n, channels(), 1, 1, random.nextBoolean() ? 1 : lanes, Halo.NONE);
      int k = x.channels() * x.height() * x.width();
      ConvSpec spec =
          new ConvSpec(n, k, 1, 1, m, 1, 1, 1, 1, 1, 1, 1, 0, 0, 1, 1, false, Activation.RELU);
      ImageLayout y = ImageLayout.of(n, m, 1, 1, lanes, Halo.NONE);
      FlattenOrder order = random.nextBoolean() ? FlattenOrder.NCHW : FlattenOrder.NHWC;
      FlattenOrder read = flattened ? order : FlattenOrder.NONE;
      float[] weights = floats(k * m);
      float[] bias = floats(m);
      List<Operand> inputs = List.of(new Operand(x, Halo.NONE));
      String what = "dense " + spec + " of " + x;
      Kernel sparse = sparse(spec, x, y, null, read, weights, bias, arena);
      if (sparse != null) {
        run(memory, sparse, inputs, y, what);
        return;
      }
      Choice choice =
          provider.convolution(spec, x, y, null, read, Weights.of(weights), bias, arena);
      run(memory, choice, arena, inputs, y, what);
    }

    /**
     * In every third case most weights are made zero; the kernel that lists the others, where there
     * is one, else null.
     */
    private Kernel sparse(
        ConvSpec spec,
        ImageLayout x,
        ImageLayout y,
        ImageLayout added,
        FlattenOrder flattened,
        float[] weights,
        float[] bias,
        Arena arena) {
      if (random.nextInt(3) > 0) {
        return null;
      }
      for (int i = 0; i < weights.length; i++) {
        weights[i] = random.nextInt(4) == 0 ? weights[i] : 0f;
      }
      SparseWeights sparse =
          provider.sparseWeights(spec, x, y, added, flattened, Weights.of(weights), bias);
      return sparse == null ? null : sparse.prepare(arena);
    }

    private void pooling(Memory memory, Arena arena) throws InterruptedException {
      int c = channels();
      int kh = 1 + random.nextInt(3);
      int kw = 1 + random.nextInt(3);
      int h = kh + random.nextInt(14);
      int w = kw + random.nextInt(14);
      int sy = 1 + random.nextInt(3);
      int sx = 1 + random.nextInt(3);
      int top = random.nextInt(kh);
      int left = random.nextInt(kw);
      int oh = (h + top - kh) / sy + 1;
      int ow = (w + left - kw) / sx + 1;
      PoolSpec spec =
          new PoolSpec(
              1 + random.nextInt(2),
              c,
              h,
              w,
              oh,
              ow,
              kh,
              kw,
              sy,
              sx,
              top,
              left,
              0,
              0,
              1,
              1,
              random.nextBoolean(),
              random.nextBoolean());
      ImageLayout x = ImageLayout.of(spec.batch(), c, h, w, lanes, Halo.NONE);
      ImageLayout y = ImageLayout.of(spec.batch(), c, oh, ow, lanes, Halo.NONE);
      run(
          memory,
          provider.pooling(spec, x, y, arena).kernel(),
          List.of(new Operand(x, Halo.NONE)),
          y,
          spec.toString());
    }

    private void select(Memory memory) throws InterruptedException {
      int n = 1 + random.nextInt(2);
      int h = 1 + random.nextInt(9);
      int w = 1 + random.nextInt(9);
      int[] channels = random.ints(1 + random.nextInt(3), 1, 2 * lanes + 2).toArray();
      boolean joins = random.nextBoolean();
      int groups = 1 + random.nextInt(4);
      if (!joins) {
        channels = new int[] {groups * channels[0]};
      }
      int all = Arrays.stream(channels).sum();
      SelectSpec spec =
          joins ? SelectSpec.join(n, h, w, channels) : SelectSpec.shuffle(n, all, h, w, groups);
      List<ImageLayout> inputs =
          Arrays.stream(channels)
              .mapToObj(c -> ImageLayout.of(n, c, h, w, lanes, Halo.NONE))
              .toList();
      ImageLayout y = ImageLayout.of(n, all, h, w, lanes, Halo.NONE);
      run(
          memory,
          provider.select(spec, inputs, y).kernel(),
          inputs.stream().map(i -> new Operand(i, Halo.NONE)).toList(),
          y,
          (joins ? "join " : "shuffle ") + Arrays.toString(channels) + " " + h + "x" + w);
    }

    private void pixels(Memory memory) throws InterruptedException {
      int channels = random.nextBoolean() ? 3 : 1;
      int bytes = 1 + random.nextInt(4);
      PixelSpec spec =
          new PixelSpec(
              1 + random.nextInt(2),
              1 + random.nextInt(5),
              4 * (1 + random.nextInt(20)),
              bytes,
              Collections.nCopies(channels, random.nextInt(bytes)),
              0.5f,
              Collections.nCopies(channels, 1f),
              Collections.nCopies(channels, 2f));
      int floats = spec.batch() * spec.height() * spec.width() * bytes / Float.BYTES;
      ImageLayout in = ImageLayout.of(1, 1, 1, floats, 1, Halo.NONE);
      ImageLayout out =
          ImageLayout.of(spec.batch(), channels, spec.height(), spec.width(), 1, Halo.NONE);
      run(
          memory,
          provider.pixels(spec, out).kernel(),
          List.of(new Operand(in, Halo.NONE)),
          out,
          spec.toString());
    }

    private void pointwise(Memory memory) throws InterruptedException {
      PointwiseSpec.Op op =
          PointwiseSpec.Op.values()[random.nextInt(PointwiseSpec.Op.values().length)];
      Second second =
          op == PointwiseSpec.Op.COPY
              ? Second.NONE
              : Second.values()[1 + random.nextInt(Second.values().length - 1)];
      int n = 1 + random.nextInt(2);
      int c = channels();
      int h = 1 + random.nextInt(9);
      int w = 1 + random.nextInt(9);
      PointwiseSpec spec =
          new PointwiseSpec(
              n, c, h, w, op, second, ACTIVATIONS.get(random.nextInt(ACTIVATIONS.size())));
      ImageLayout x = ImageLayout.of(n, c, h, w, lanes, Halo.NONE);
      ImageLayout other =
          switch (second) {
            case NONE -> null;
            case SAME -> x;
            case PER_CHANNEL -> ImageLayout.of(n, c, 1, 1, lanes, Halo.NONE);
            case PER_CHANNEL_ALL_IMAGES -> ImageLayout.of(1, c, 1, 1, lanes, Halo.NONE);
          };
      List<Operand> inputs = new ArrayList<>();
      inputs.add(new Operand(x, Halo.NONE));
      if (other != null) {
        inputs.add(new Operand(other, Halo.NONE));
      }
      run(memory, provider.pointwise(spec, x, other, x).kernel(), inputs, x, spec.toString());
    }

    private record Operand(ImageLayout layout, Halo halo) {}

    private void run(
        Memory memory,
        Choice choice,
        Arena arena,
        List<Operand> inputs,
        ImageLayout output,
        String what)
        throws InterruptedException {
      // Its own kernel, or one of those that skip.
      int form = random.nextInt(1 + choice.skipping().size());
      Kernel kernel = form == 0 ? choice.kernel() : choice.skipping().get(form - 1).prepare(arena);
      run(memory, kernel, inputs, output, what);
    }

    private void run(
        Memory memory, Kernel kernel, List<Operand> inputs, ImageLayout output, String what)
        throws InterruptedException {
      if (kernel == null) {
        return;
      }
      System.out.println(number + " " + provider.name() + " " + kernel.name() + " " + what);
      long scratchBytes = (kernel.scratchBytes(budget.threads()) + 63) / 64 * 64;
      long[] offsets = new long[inputs.size()];
      int last = random.nextInt(offsets.length + 2);
      long out = 0;
      long scratch = 0;
      for (int step = 0; step < offsets.length + 2; step++) {
        // The last one in memory comes last.
        int i = (last + 1 + step) % (offsets.length + 2);
        boolean atEnd = i == last;
        if (i == offsets.length) {
          out = atEnd ? memory.operand(output.bytes()) : memory.within(output.bytes());
        } else if (i > offsets.length) {
          scratch = atEnd ? memory.operand(scratchBytes) : memory.within(scratchBytes);
        } else {
          offsets[i] = input(memory, inputs.get(i), atEnd);
        }
      }
      ZeroCounts counts =
          random.nextInt(4) == 0
              ? null
              : new ZeroCounts(output.channels(), budget.threads(), 0.01f);
      try (ThreadBudget.Team team = budget.acquire()) {
        kernel.run(memory.memory(), offsets, out, scratch, team, counts);
      }
      if (last != offsets.length) {
        memory.checkBehind(out + output.bytes());
      }
    }

    private long input(Memory memory, Operand operand, boolean atEnd) {
      ImageLayout l = operand.layout();
      long start = atEnd ? memory.operand(l.bytes()) : memory.within(l.bytes());
      for (long o = start; o < start + l.bytes(); o += Float.BYTES) {
        float v = random.nextInt(3) == 0 ? 0f : (float) random.nextGaussian();
        memory.segment.set(ValueLayout.JAVA_FLOAT_UNALIGNED, o, v);
      }
      return start + l.origin(operand.halo());
    }

    private float[] floats(int count) {
      float[] values = new float[count];
      for (int i = 0; i < count; i++) {
        values[i] = (float) random.nextGaussian();
      }
      return values;
    }
  }
}
