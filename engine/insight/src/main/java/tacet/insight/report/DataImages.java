package tacet.insight.report;

import java.awt.image.BufferedImage;
import java.awt.image.DataBufferByte;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.util.Base64;
import javax.imageio.ImageIO;
import tacet.insight.image.Picture;

/** Images as data URIs. */
final class DataImages {

  private DataImages() {}

  static String photo(Picture p) throws IOException {
    BufferedImage image = new BufferedImage(p.width(), p.height(), BufferedImage.TYPE_3BYTE_BGR);
    byte[] to = ((DataBufferByte) image.getRaster().getDataBuffer()).getData();
    for (int i = 0; i < to.length; i += 3) {
      to[i] = p.rgb()[i + 2];
      to[i + 1] = p.rgb()[i + 1];
      to[i + 2] = p.rgb()[i];
    }
    return uri(image, "jpeg");
  }

  /** One byte per pixel. */
  static String grey(byte[] pixels, int width, int height) throws IOException {
    BufferedImage image = new BufferedImage(width, height, BufferedImage.TYPE_BYTE_GRAY);
    byte[] to = ((DataBufferByte) image.getRaster().getDataBuffer()).getData();
    System.arraycopy(pixels, 0, to, 0, pixels.length);
    return uri(image, "png");
  }

  private static String uri(BufferedImage image, String format) throws IOException {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    ImageIO.setUseCache(false);
    ImageIO.write(image, format, out);
    return "data:image/"
        + format
        + ";base64,"
        + Base64.getEncoder().encodeToString(out.toByteArray());
  }
}
