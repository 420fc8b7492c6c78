package tacet;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicLong;
import tacet.error.MemoryLimitException;
import tacet.jfr.ModelFlight;

/** Counts the native memory of a model, and refuses what would go past its limit before it is allocated. */
final class MemoryAccount implements ModelFlight.Memory {

  private final long limit;
  private final AtomicLong used = new AtomicLong();
  private final AtomicLong highest = new AtomicLong();

  MemoryAccount(long limit) {
    this.limit = limit;
  }

  @Override
  public long limit() {
    return limit;
  }

  @Override
  public long used() {
    return used.get();
  }

  @Override
  public long highest() {
    return highest.get();
  }

  /** Memory that may be used and given back by any thread. */
  Scope open() {
    return new Scope(Arena.ofShared());
  }

  private void reserve(long bytes) {
    long before = used.get();
    while (true) {
      if (bytes > limit - before) {
        throw new MemoryLimitException(bytes, before, limit);
      }
      long seen = used.compareAndExchange(before, before + bytes);
      if (seen == before) {
        highest.accumulateAndGet(before + bytes, Math::max);
        return;
      }
      before = seen;
    }
  }

  /** An arena whose memory is counted. */
  final class Scope implements Arena {
    private final Arena arena;
    private final AtomicLong mine = new AtomicLong();

    private Scope(Arena arena) {
      this.arena = arena;
    }

    /** Bytes allocated. */
    long bytes() {
      return mine.get();
    }

    @Override
    public MemorySegment allocate(long byteSize, long byteAlignment) {
      reserve(byteSize);
      try {
        MemorySegment segment = arena.allocate(byteSize, byteAlignment);
        mine.addAndGet(byteSize);
        return segment;
      } catch (OutOfMemoryError | IllegalArgumentException e) {
        used.addAndGet(-byteSize);
        throw e;
      }
    }

    @Override
    public MemorySegment.Scope scope() {
      return arena.scope();
    }

    @Override
    public void close() {
      arena.close();
      used.addAndGet(-mine.getAndSet(0));
    }
  }
}
