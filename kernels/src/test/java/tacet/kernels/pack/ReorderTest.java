package tacet.kernels.pack;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import org.junit.jupiter.api.Test;
import tacet.kernels.ImageLayout;
import tacet.kernels.ImageLayout.Halo;

class ReorderTest {

  private static final ValueLayout.OfFloat FLOAT = ValueLayout.JAVA_FLOAT_UNALIGNED;
  private static final Halo HALO = new Halo(1, 2, 1, 3);

  /** Every pair of layouts keeps every element in its place, and writes nothing beside it. */
  @Test
  void everyPairOfLayouts() {
    List<ImageLayout> layouts =
        List.of(
            Reorder.channelsFirst(2, 19, 3, 4),
            Reorder.channelsLast(2, 19, 3, 4),
            ImageLayout.of(2, 19, 3, 4, 4, Halo.NONE),
            ImageLayout.of(2, 19, 3, 4, 8, Halo.NONE),
            ImageLayout.of(2, 19, 3, 4, 16, HALO),
            ImageLayout.of(2, 19, 3, 4, 1, HALO));
    for (ImageLayout from : layouts) {
      for (ImageLayout to : layouts) {
        try (Arena arena = Arena.ofConfined()) {
          MemorySegment source = arena.allocate(from.bytes() + 1024, 64);
          MemorySegment target = arena.allocate(to.bytes() + 1024, 64);
          long f = from.origin(HALO);
          long t = to.origin(HALO);
          each(
              from, (n, c, y, x) -> source.set(FLOAT, f + from.offset(n, c, y, x), id(n, c, y, x)));
          Reorder.copy(source, from, f, target, to, t);
          each(
              to,
              (n, c, y, x) -> {
                assertEquals(id(n, c, y, x), target.get(FLOAT, t + to.offset(n, c, y, x)));
                target.set(FLOAT, t + to.offset(n, c, y, x), 0f);
              });
          for (long o = 0; o < target.byteSize(); o += Float.BYTES) {
            assertEquals(0f, target.get(FLOAT, o), from + " to " + to);
          }
        }
      }
    }
  }

  @Test
  void haloIsClearedAndNothingElse() {
    ImageLayout l = ImageLayout.of(2, 5, 3, 4, 4, HALO);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment memory = arena.allocate(l.bytes(), 64);
      for (long o = 0; o < memory.byteSize(); o += Float.BYTES) {
        memory.set(FLOAT, o, Float.NaN);
      }
      Reorder.clearHalo(memory, l, HALO, l.origin(HALO));
      int zeros = 0;
      for (long o = 0; o < memory.byteSize(); o += Float.BYTES) {
        zeros += memory.get(FLOAT, o) == 0 ? 1 : 0;
      }
      int planes = 2 * l.blocks();
      assertEquals(planes * l.lanes() * ((3 + 2) * (4 + 5) - 3 * 4), zeros);
      each(
          l,
          (n, c, y, x) ->
              assertEquals(Float.NaN, memory.get(FLOAT, l.origin(HALO) + l.offset(n, c, y, x))));
    }
  }

  private interface Place {
    void at(int n, int c, int y, int x);
  }

  private static void each(ImageLayout l, Place place) {
    for (int n = 0; n < l.batch(); n++) {
      for (int c = 0; c < l.channels(); c++) {
        for (int y = 0; y < l.height(); y++) {
          for (int x = 0; x < l.width(); x++) {
            place.at(n, c, y, x);
          }
        }
      }
    }
  }

  private static float id(int n, int c, int y, int x) {
    return 1 + ((n * 100 + c) * 10 + y) * 10 + x;
  }
}
