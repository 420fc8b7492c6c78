package tacet.insight.image;

/**
 * The arithmetic of a resize, named after the library whose results it gives; see {@link Resize}.
 */
public enum ResizeMethod {
  /** Pillow's {@code BILINEAR}: a triangle filter that widens when shrinking; bit for bit. */
  PILLOW_BILINEAR("pillow-bilinear"),

  /**
   * OpenCV's {@code INTER_LINEAR} on 8-bit images: two taps per axis, no filter against aliasing.
   */
  OPENCV_LINEAR("opencv-linear"),

  /** OpenCV's {@code INTER_AREA}: mean of the covered area when shrinking. */
  AREA("area");

  private final String label;

  ResizeMethod(String label) {
    this.label = label;
  }

  /** The name on the command line and in reports. */
  public String label() {
    return label;
  }
}
