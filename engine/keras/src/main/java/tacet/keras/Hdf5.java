package tacet.keras;

import io.jhdf.HdfFile;
import io.jhdf.api.Attribute;
import io.jhdf.api.Dataset;
import io.jhdf.api.Group;
import io.jhdf.api.Node;
import io.jhdf.object.datatype.FixedPoint;
import io.jhdf.object.datatype.FloatingPoint;
import io.jhdf.object.message.DataLayout;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.function.Supplier;
import tacet.error.ModelFormatException;
import tacet.error.TacetException;

/**
 * An HDF5 file in memory, mapped or read. Everything is a slice of it, so a file costs no more than its own size; whatever
 * the parser throws at a damaged file becomes a {@link ModelFormatException}. Links are not followed: Keras writes none, and
 * they could lead to other files or in circles.
 */
final class Hdf5 {

  /** A superblock takes more. */
  private static final int SMALLEST = 48;

  private final String file;
  private final long bytes;
  private final HdfFile hdf;

  private Hdf5(String file, long bytes, HdfFile hdf) {
    this.file = file;
    this.bytes = bytes;
    this.hdf = hdf;
  }

  /**
   * Opens a file.
   *
   * @param content the whole file, less than 2 GiB; must live as long as this is used
   * @throws ModelFormatException where it is no HDF5
   */
  static Hdf5 open(String file, MemorySegment content) {
    if (content.byteSize() < SMALLEST) {
      throw new ModelFormatException(
          file, "HDF5", "is cut off after " + content.byteSize() + " bytes");
    }
    Hdf5Bounds.check(file, content);
    ByteBuffer buffer = content.asByteBuffer();
    HdfFile hdf = guarded(file, "HDF5 superblock", () -> HdfFile.fromByteBuffer(buffer));
    return new Hdf5(file, content.byteSize(), hdf);
  }

  Folder root() {
    return new Folder(hdf, "");
  }

  /** Runs the parser over bytes nobody has checked. */
  private static <T> T guarded(String file, String place, Supplier<T> read) {
    try {
      return read.get();
    } catch (TacetException e) {
      throw e;
    } catch (RuntimeException | StackOverflowError | OutOfMemoryError | AssertionError e) {
      throw new ModelFormatException(file, place, "is damaged HDF5: " + reason(e), e);
    }
  }

  private static String reason(Throwable e) {
    Throwable root = e;
    for (int i = 0; i < 20 && root.getCause() != null; i++) {
      root = root.getCause();
    }
    String text = root.getMessage();
    return root.getClass().getSimpleName()
        + (text == null ? "" : " – " + text.substring(0, Math.min(text.length(), 200)));
  }

  /** A group. */
  final class Folder {
    private final Group group;
    private final String path;

    private Folder(Group group, String path) {
      this.group = group;
      this.path = path;
    }

    String place() {
      return "HDF5 group " + (path.isEmpty() ? "/" : path);
    }

    /** The names in this group. */
    Set<String> names() {
      return guarded(file, place(), () -> Set.copyOf(group.getChildren().keySet()));
    }

    private Node child(String name) {
      return guarded(file, place(), () -> group.getChild(name));
    }

    /** A group in this one, or null where there is none of that name. */
    Folder folder(String name) {
      return child(name) instanceof Group g ? new Folder(g, path + "/" + name) : null;
    }

    /** An array, by a path with slashes; null where there is none. */
    Data data(String relative) {
      String[] parts = relative.split("/");
      Folder f = this;
      for (int i = 0; i < parts.length - 1 && f != null; i++) {
        f = f.folder(parts[i]);
      }
      String last = parts.length == 0 ? "" : parts[parts.length - 1];
      return f != null && f.child(last) instanceof Dataset d
          ? new Data(d, f.path + "/" + last)
          : null;
    }

    /** An attribute that is one text, or null where there is none. */
    String text(String name) {
      List<String> all = texts(name);
      return all == null || all.isEmpty() ? null : all.getFirst();
    }

    /**
     * An attribute that is a list of texts, or null where there is none. Keras splits long ones over {@code name0},
     * {@code name1}, ….
     */
    List<String> texts(String name) {
      List<String> all = attribute(name);
      if (all != null) {
        return all;
      }
      all = attribute(name + 0);
      for (int i = 1; all != null; i++) {
        List<String> more = attribute(name + i);
        if (more == null) {
          break;
        }
        all = new ArrayList<>(all);
        all.addAll(more);
      }
      return all;
    }

    private List<String> attribute(String name) {
      return guarded(
          file,
          place() + ", attribute " + name,
          () -> {
            Attribute a = group.getAttributes().get(name);
            if (a == null) {
              return null;
            }
            if (a.isEmpty() || a.getSize() == 0) {
              return List.of();
            }
            if (a.getSize() < 0 || a.getSize() > bytes) {
              throw new ModelFormatException(
                  file, place() + ", attribute " + name, a.getSize() + " texts");
            }
            return switch (a.getData()) {
              case String s -> List.of(s);
              case String[] s -> Arrays.asList(s);
              // A layer without weights has an empty list of floats.
              case null, default -> List.of();
            };
          });
    }
  }

  /** An array of floating-point numbers. */
  final class Data {
    private final Dataset dataset;
    private final String path;

    private Data(Dataset dataset, String path) {
      this.dataset = dataset;
      this.path = path;
    }

    String place() {
      return "HDF5 dataset " + path;
    }

    long[] dims() {
      return guarded(file, place(), dataset::getDimensionsAsLong);
    }

    /**
     * The values in row-major order, as float32.
     *
     * @throws ModelFormatException where they are no floating-point numbers, are compressed, or lie outside the file
     */
    float[] floats() {
      return guarded(file, place(), this::read);
    }

    private float[] read() {
      DataLayout layout = dataset.getDataLayout();
      if (layout != DataLayout.CONTIGUOUS && layout != DataLayout.COMPACT) {
        throw new ModelFormatException(
            file, place(), "expected weights stored in one piece, as Keras does, got " + layout);
      }
      long n = dataset.getSize();
      int width = dataset.getDataType().getSize();
      if (n < 0 || n > bytes || n * width > bytes) {
        throw new ModelFormatException(
            file, place(), n + " values of " + width + " bytes do not fit in the file");
      }
      float[] out = new float[(int) n];
      if (n == 0) {
        return out;
      }
      ByteBuffer b = bytesOf((int) n * width);
      boolean isFloat = dataset.getDataType() instanceof FloatingPoint;
      boolean opaque =
          !isFloat && !(dataset.getDataType() instanceof FixedPoint) && width == Short.BYTES;
      if (isFloat && width == Float.BYTES) {
        b.asFloatBuffer().get(out);
      } else if (isFloat && width == Double.BYTES) {
        for (int i = 0; i < n; i++) {
          out[i] = (float) b.getDouble(i * Double.BYTES);
        }
      } else if (isFloat && width == Short.BYTES) {
        for (int i = 0; i < n; i++) {
          out[i] = Float.float16ToFloat(b.getShort(i * Short.BYTES));
        }
      } else if (opaque && isBfloat16()) {
        for (int i = 0; i < n; i++) {
          out[i] = Float.intBitsToFloat(b.getShort(i * Short.BYTES) << 16);
        }
      } else {
        throw new ModelFormatException(
            file,
            place(),
            "expected floating-point numbers, got "
                + dataset.getDataType().getClass().getSimpleName()
                + " of "
                + width
                + " bytes");
      }
      return out;
    }

    private ByteBuffer bytesOf(int length) {
      ByteBuffer b =
          switch (dataset) {
            case io.jhdf.dataset.DatasetBase d -> d.getDataBuffer();
            default -> throw new ModelFormatException(file, place(), "is no plain dataset");
          };
      if (b.remaining() < length) {
        throw new ModelFormatException(
            file, place(), length + " bytes of values, of which " + b.remaining() + " are there");
      }
      return b.slice(b.position(), length).order(b.order());
    }

    private boolean isBfloat16() {
      Attribute a = dataset.getAttributes().get("dtype");
      return a != null && "bfloat16".equals(a.getData());
    }
  }
}
