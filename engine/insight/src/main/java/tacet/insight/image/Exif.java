package tacet.insight.image;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * The orientation that cameras note in EXIF metadata, and what it asks for. Source: Exif 2.32 (CIPA
 * DC-008), section 4.6.4, tag 0x0112; TIFF 6.0, section 2.
 */
final class Exif {
  private static final int ORIENTATION = 0x0112;
  private static final int SHORT = 3;

  /**
   * Edge of the blocks in which pixels are moved, so that both rows and columns stay in the cache.
   */
  private static final int BLOCK = 32;

  private Exif() {}

  /**
   * Reads the orientation of the first directory.
   *
   * @param tiff a TIFF structure: byte order mark, 42, offset of the directory
   * @return 1 to 8; 1 (upright) where the structure is damaged or says nothing, since a photo is no
   *     worse for that
   */
  static int orientation(ByteBuffer tiff) {
    if (tiff.remaining() < 8) {
      return 1;
    }
    ByteBuffer b = tiff.slice();
    int mark = b.getShort(0);
    if (mark == 0x4949) {
      b.order(ByteOrder.LITTLE_ENDIAN);
    } else if (mark != 0x4D4D) {
      return 1;
    }
    long directory = b.getInt(4) & 0xFFFF_FFFFL;
    if (b.getShort(2) != 42 || directory + 2 > b.limit()) {
      return 1;
    }
    int entries = b.getShort((int) directory) & 0xFFFF;
    for (int i = 0; i < entries; i++) {
      long entry = directory + 2 + 12L * i;
      if (entry + 12 > b.limit()) {
        return 1;
      }
      int at = (int) entry;
      if ((b.getShort(at) & 0xFFFF) == ORIENTATION) {
        int value = b.getShort(at + 8);
        boolean sound = b.getShort(at + 2) == SHORT && b.getInt(at + 4) == 1;
        return sound && value >= 1 && value <= 8 ? value : 1;
      }
    }
    return 1;
  }

  /** Turns a picture as stored into the picture as meant. */
  static Picture upright(Picture p, int orientation) {
    if (orientation == 1) {
      return p;
    }
    int w = p.width();
    int h = p.height();
    boolean swap = orientation >= 5;
    // The stored pixel of (x, y) is first + x·right + y·down, counted in pixels.
    int first =
        switch (orientation) {
          case 2, 8 -> w - 1;
          case 3, 7 -> w * h - 1;
          case 4, 6 -> w * (h - 1);
          default -> 0;
        };
    int right =
        switch (orientation) {
          case 2, 3 -> -1;
          case 4 -> 1;
          case 5, 8 -> w;
          default -> -w;
        };
    int down =
        switch (orientation) {
          case 2 -> w;
          case 3, 4 -> -w;
          case 5, 6 -> 1;
          default -> -1;
        };
    Picture out = swap ? Picture.blank(h, w) : Picture.blank(w, h);
    byte[] from = p.rgb();
    byte[] to = out.rgb();
    for (int y0 = 0; y0 < out.height(); y0 += BLOCK) {
      int y1 = Math.min(y0 + BLOCK, out.height());
      for (int x0 = 0; x0 < out.width(); x0 += BLOCK) {
        int x1 = Math.min(x0 + BLOCK, out.width());
        for (int y = y0; y < y1; y++) {
          int target = 3 * (y * out.width() + x0);
          int source = 3 * (first + x0 * right + y * down);
          for (int x = x0; x < x1; x++, target += 3, source += 3 * right) {
            to[target] = from[source];
            to[target + 1] = from[source + 1];
            to[target + 2] = from[source + 2];
          }
        }
      }
    }
    return out;
  }
}
