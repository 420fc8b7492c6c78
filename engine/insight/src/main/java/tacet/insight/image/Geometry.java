package tacet.insight.image;

/** How a picture of any size becomes one of the size that a network takes. */
public sealed interface Geometry {
  /**
   * Resized to the given size, whatever that does to proportions.
   *
   * @param width pixels per row of the result
   * @param height rows of the result
   */
  record Stretch(int width, int height) implements Geometry {
    public Stretch {
      positive(width, height);
    }
  }

  /**
   * Resized so that the shorter side has {@code shorter} pixels, then the middle cut out. The
   * longer side is rounded to the nearest pixel (torchvision's {@code Resize} drops the fraction),
   * and the cut starts at {@code floor((side − cut) / 2)}.
   *
   * @param width pixels per row of the result
   * @param height rows of the result
   * @param shorter shorter side after the resize, at least as long as both sides of the result
   */
  record Crop(int width, int height, int shorter) implements Geometry {
    public Crop {
      positive(width, height);
      if (shorter < Math.max(width, height)) {
        throw new IllegalArgumentException(
            "a shorter side of " + shorter + " does not cover a crop of " + width + "x" + height);
      }
    }

    /** As little cut away as possible: the shorter side becomes the longer side of the result. */
    public Crop(int width, int height) {
      this(width, height, Math.max(width, height));
    }
  }

  /** As it is. */
  record None() implements Geometry {}

  /**
   * Applies this to a picture.
   *
   * @throws IllegalArgumentException if the resized picture would have too many pixels for an array
   */
  default Picture apply(Picture picture, ResizeMethod method) {
    return switch (this) {
      case None() -> picture;
      case Stretch(int width, int height) -> Resize.resize(picture, width, height, method);
      case Crop(int width, int height, int shorter) -> {
        boolean portrait = picture.width() < picture.height();
        int w = portrait ? shorter : longer(shorter, picture.width(), picture.height());
        int h = portrait ? longer(shorter, picture.height(), picture.width()) : shorter;
        yield Resize.middle(picture, w, h, width, height, method);
      }
    };
  }

  private static int longer(int shorter, int longSide, int shortSide) {
    long side = ((long) shorter * longSide * 2 + shortSide) / (2L * shortSide);
    if (side > Integer.MAX_VALUE) {
      throw new IllegalArgumentException("picture too narrow to resize: " + side + " pixels long");
    }
    return (int) side;
  }

  private static void positive(int width, int height) {
    if (width < 1 || height < 1) {
      throw new IllegalArgumentException("size of " + width + "x" + height + " pixels");
    }
  }
}
