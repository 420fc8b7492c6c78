package tacet.insight.image;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ExifTest {
  /** What 1 2 3 / 4 5 6 must look like for each orientation, rows from the top. */
  private static final int[][][] UPRIGHT = {
    {},
    {{1, 2, 3}, {4, 5, 6}},
    {{3, 2, 1}, {6, 5, 4}},
    {{6, 5, 4}, {3, 2, 1}},
    {{4, 5, 6}, {1, 2, 3}},
    {{1, 4}, {2, 5}, {3, 6}},
    {{4, 1}, {5, 2}, {6, 3}},
    {{6, 3}, {5, 2}, {4, 1}},
    {{3, 6}, {2, 5}, {1, 4}}
  };

  /** An EXIF block with another tag before the orientation. */
  static byte[] tiff(int orientation, boolean bigEndian) {
    ByteBuffer b = ByteBuffer.allocate(8 + 2 + 24 + 4);
    b.order(bigEndian ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN);
    b.putShort((short) (bigEndian ? 0x4D4D : 0x4949)).putShort((short) 42).putInt(8);
    b.putShort((short) 2);
    b.putShort((short) 0x0100).putShort((short) 4).putInt(1).putInt(3);
    b.putShort((short) 0x0112).putShort((short) 3).putInt(1).putShort((short) orientation);
    return b.array();
  }

  static void assertUpright(int orientation, Picture p) {
    int[][] expected = UPRIGHT[orientation];
    int[][] actual = new int[p.height()][p.width()];
    for (int i = 0; i < p.width() * p.height(); i++) {
      actual[i / p.width()][i % p.width()] = p.rgb()[3 * i];
    }
    assertEquals(Arrays.deepToString(expected), Arrays.deepToString(actual));
  }

  @Test
  void turnsAllEightWays() {
    Picture stored = ResizeTest.grey(3, 2, 1, 2, 3, 4, 5, 6);
    for (int orientation = 1; orientation <= 8; orientation++) {
      assertUpright(orientation, Exif.upright(stored, orientation));
    }
    assertSame(stored, Exif.upright(stored, 1));
  }

  /** Larger than the blocks in which pixels move: turning there and back gives the same. */
  @Test
  void turnsAndReturns() {
    Picture p = ResizeTest.noise(77, 45, 1);
    int[] inverse = {0, 1, 2, 3, 4, 5, 8, 7, 6};
    for (int orientation = 1; orientation <= 8; orientation++) {
      Picture back = Exif.upright(Exif.upright(p, orientation), inverse[orientation]);
      assertEquals(77, back.width());
      assertEquals(-1, Arrays.mismatch(p.rgb(), back.rgb()), "orientation " + orientation);
    }
  }

  @Test
  void readsBothByteOrders() {
    for (int orientation = 1; orientation <= 8; orientation++) {
      assertEquals(orientation, Exif.orientation(ByteBuffer.wrap(tiff(orientation, true))));
      assertEquals(orientation, Exif.orientation(ByteBuffer.wrap(tiff(orientation, false))));
    }
  }

  @Test
  void nonsenseIsUpright() {
    assertEquals(1, Exif.orientation(ByteBuffer.wrap(tiff(0, true))));
    assertEquals(1, Exif.orientation(ByteBuffer.wrap(tiff(9, true))));
    byte[] sound = tiff(6, false);
    for (int length = 0; length < sound.length - 4; length++) {
      Exif.orientation(ByteBuffer.wrap(sound, 0, length));
    }
    Random random = new Random(5);
    for (int i = 0; i < 10_000; i++) {
      byte[] damaged = sound.clone();
      damaged[random.nextInt(damaged.length)] = (byte) random.nextInt(256);
      int orientation = Exif.orientation(ByteBuffer.wrap(damaged));
      assertEquals(orientation, Math.clamp(orientation, 1, 8));
    }
  }
}
