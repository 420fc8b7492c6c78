package tacet.kernels.vector;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Collections;
import java.util.Random;
import org.junit.jupiter.api.Test;
import tacet.kernels.ImageLayout;
import tacet.kernels.ImageLayout.Halo;
import tacet.kernels.Kernel;
import tacet.kernels.PixelSpec;
import tacet.kernels.ThreadBudget;

/** Bytes of pictures into planes, where the memory ends with the pictures: vectors must not reach beyond. */
class PixelRowsTest {

  private final VectorProvider provider = new VectorProvider();

  @Test
  void picturesAtTheEndOfMemory() throws InterruptedException {
    Random random = new Random(6);
    try (ThreadBudget budget = new ThreadBudget(2)) {
      for (int i = 0; i < 200; i++) {
        int channels = random.nextBoolean() ? 3 : 1;
        int bytes = 1 + random.nextInt(4);
        int width =
            random.nextBoolean() ? 1 + random.nextInt(70) : Lanes.COUNT * (1 + random.nextInt(4));
        PixelSpec spec =
            new PixelSpec(
                1 + random.nextInt(2),
                1 + random.nextInt(3),
                width,
                bytes,
                Collections.nCopies(channels, random.nextInt(bytes)),
                0.5f,
                Collections.nCopies(channels, 1f),
                Collections.nCopies(channels, 2f));
        ImageLayout y =
            ImageLayout.of(spec.batch(), channels, spec.height(), width, 1, new Halo(0, 1, 1, 0));
        int pictures = spec.batch() * spec.height() * width * bytes;
        try (Arena arena = Arena.ofShared()) {
          MemorySegment m = arena.allocate(y.bytes() + pictures, 64);
          long first = y.bytes();
          byte[] picture = new byte[pictures];
          random.nextBytes(picture);
          MemorySegment.copy(picture, 0, m, ValueLayout.JAVA_BYTE, first, pictures);
          Kernel kernel = provider.pixels(spec, y).kernel();
          long out = y.origin(new Halo(0, 1, 1, 0));
          try (ThreadBudget.Team team = budget.acquire()) {
            kernel.run(m, new long[] {first}, out, 0, team, null);
          }
          for (int j = 0; j < pictures / bytes; j++) {
            int n = j / width / spec.height();
            for (int c = 0; c < channels; c++) {
              int value = picture[j * bytes + spec.order().get(c)] & 0xFF;
              assertEquals(
                  (value * 0.5f - 1) / 2,
                  m.get(
                      ValueLayout.JAVA_FLOAT,
                      out + y.offset(n, c, j / width % spec.height(), j % width)),
                  spec::toString);
            }
          }
        }
      }
    }
  }
}
