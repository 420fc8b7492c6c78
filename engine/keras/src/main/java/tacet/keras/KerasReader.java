package tacet.keras;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.Locale;
import java.util.Map;
import tacet.error.ModelFormatException;
import tacet.error.UnsupportedOpException;
import tacet.format.ModelReader;
import tacet.graph.Graph;

/**
 * Reads Keras models: {@code .keras} files (a zip of {@code config.json} and {@code model.weights.h5}) and HDF5 files of
 * Keras 1, 2 and 3 that hold the whole model. Sequential and Functional models are described by their files; models defined in
 * Python code are not.
 */
public final class KerasReader implements ModelReader {

  /** What reading may take: a thousand times what it does on a small file, and a disk's pace for a large one. */
  private static final Duration SHORTEST = Duration.ofSeconds(20);

  private static final long BYTES_PER_MILLISECOND = 10_000;

  private static final int ZIP = 'P' << 8 | 'K';
  private static final byte[] HDF5 = {(byte) 0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};

  /** For the service loader. */
  public KerasReader() {}

  @Override
  public String format() {
    return "Keras";
  }

  @Override
  public boolean recognises(Path file, byte[] head) {
    String name = file.getFileName().toString().toLowerCase(Locale.ROOT);
    return name.endsWith(".keras")
        || name.endsWith(".h5")
        || name.endsWith(".hdf5")
        || isHdf5(head);
  }

  private static boolean isHdf5(byte[] head) {
    return head.length >= HDF5.length
        && java.util.Arrays.equals(head, 0, HDF5.length, HDF5, 0, HDF5.length);
  }

  /**
   * @throws ModelFormatException where the file is damaged, inconsistent or larger than 2 GiB
   * @throws UnsupportedOpException listing every layer that Tacet does not have
   */
  @Override
  public Graph read(Path file, Arena arena) throws IOException {
    Duration time = SHORTEST.plusMillis(Files.size(file) / BYTES_PER_MILLISECOND);
    try (Deadline deadline = new Deadline(time)) {
      try {
        return read(file, deadline.arena(), arena);
      } catch (ModelFormatException e) {
        if (!deadline.isPassed()) {
          throw e;
        }
        throw new ModelFormatException(
            file.toString(),
            "",
            "was not read in "
                + time.toSeconds()
                + " s: it is damaged, or this machine stood still",
            e);
      }
    }
  }

  /**
   * @param passing closed when the time for reading is over
   */
  private static Graph read(Path file, Arena passing, Arena arena) throws IOException {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      long size = channel.size();
      if (size < HDF5.length) {
        throw new ModelFormatException(
            file.toString(), "", "expected a zip or HDF5 file, got " + size + " bytes");
      }
      if (size > Integer.MAX_VALUE) {
        throw new ModelFormatException(
            file.toString(), "", "expected less than 2 GiB, got " + size + " bytes");
      }
      MemorySegment content = channel.map(FileChannel.MapMode.READ_ONLY, 0, size, passing);
      byte[] head =
          content.asSlice(0, HDF5.length).toArray(java.lang.foreign.ValueLayout.JAVA_BYTE);
      if ((head[0] << 8 | head[1]) == ZIP) {
        return zipped(file, passing, arena);
      }
      return hdf5(file.toString(), content, arena);
    }
  }

  private static Graph zipped(Path path, Arena passing, Arena arena) throws IOException {
    String file = path.toString();
    try (Archive archive = Archive.open(path)) {
      ModelSpec model = spec(file, "config.json", archive.text("config.json"));
      int version = 3;
      if (archive.has("metadata.json")) {
        Map<String, Object> metadata =
            Json.object(file, "metadata.json", archive.text("metadata.json"));
        version = major(metadata.get("keras_version") instanceof String s ? s : null, version);
      }
      Hdf5 weights = Hdf5.open(file, archive.bytes("model.weights.h5", passing));
      return ModelBuilder.build(
          file, model, new WeightStore.Numbered(model, weights.root()), version, arena);
    }
  }

  private static Graph hdf5(String file, MemorySegment content, Arena arena) {
    Hdf5.Folder root = Hdf5.open(file, content).root();
    String config = root.text("model_config");
    if (config == null) {
      throw new ModelFormatException(
          file, "", "holds weights without a model (it has no attribute model_config)");
    }
    ModelSpec model = spec(file, "model_config", config);
    Hdf5.Folder weights = root.folder("model_weights");
    if (weights == null) {
      throw new ModelFormatException(file, "", "holds no weights (it has no group model_weights)");
    }
    String version = root.text("keras_version");
    if (version == null) {
      version = weights.text("keras_version");
    }
    return ModelBuilder.build(
        file, model, new WeightStore.Named(weights), major(version, 1), arena);
  }

  private static ModelSpec spec(String file, String place, String json) {
    return ModelSpec.of(new Config(file, place, Json.object(file, place, json)));
  }

  /** The first number of a version such as {@code 2.0.5} or {@code 2.11.0-tf}. */
  private static int major(String version, int otherwise) {
    if (version == null || version.isEmpty() || !Character.isDigit(version.charAt(0))) {
      return otherwise;
    }
    return version.charAt(0) - '0';
  }
}
