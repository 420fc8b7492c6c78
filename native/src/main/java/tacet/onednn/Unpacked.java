package tacet.onednn;

import java.io.File;
import java.io.IOException;
import java.net.JarURLConnection;
import java.net.URISyntaxException;
import java.net.URL;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.zip.CRC32;
import org.bytedeco.javacpp.Loader;

/**
 * Libraries that JavaCPP has unpacked from their jar, which it does again where size or time differ. A file that is damaged
 * otherwise would crash the VM, when it is loaded or later: each is held against the checksum in the jar, which takes a
 * twentieth of the time of loading.
 */
final class Unpacked {

  private static final System.Logger LOG = System.getLogger("tacet");

  private Unpacked() {}

  /**
   * Unpacks what is missing or damaged.
   *
   * @param loader finds the libraries
   * @param library name of one of them; those in the same folder of the same jar are looked at, too
   * @throws UnsatisfiedLinkError where one cannot be unpacked
   */
  static void mend(ClassLoader loader, String library) {
    try {
      URL first = loader.getResource(library);
      // Elsewhere than in a jar nothing is unpacked.
      if (first != null && first.openConnection() instanceof JarURLConnection connection) {
        String folder = library.substring(0, library.lastIndexOf('/') + 1);
        Path jar = Path.of(connection.getJarFileURL().toURI());
        mend(loader, jar, folder);
      }
    } catch (IOException | URISyntaxException e) {
      throw (UnsatisfiedLinkError) new UnsatisfiedLinkError(e.getMessage()).initCause(e);
    }
  }

  private static void mend(ClassLoader loader, Path file, String folder) throws IOException {
    try (JarFile jar = new JarFile(file.toFile())) {
      List<JarEntry> libraries =
          jar.stream()
              .filter(e -> e.getName().startsWith(folder) && e.getName().contains(".so"))
              .toList();
      for (JarEntry e : libraries) {
        mend(loader.getResource(e.getName()), e.getCrc());
      }
    }
  }

  private static void mend(URL library, long crc) throws IOException {
    File unpacked = Loader.cacheResource(library);
    if (unpacked == null || crc(unpacked.toPath()) == crc) {
      return;
    }
    // Who has loaded it keeps the old file.
    Files.delete(unpacked.toPath());
    unpacked = Loader.cacheResource(library);
    if (unpacked == null || crc(unpacked.toPath()) != crc) {
      throw new IOException(library + " cannot be unpacked undamaged");
    }
    LOG.log(System.Logger.Level.WARNING, unpacked + " was damaged, and has been unpacked again");
  }

  private static long crc(Path file) throws IOException {
    CRC32 crc = new CRC32();
    try (FileChannel channel = FileChannel.open(file)) {
      crc.update(channel.map(FileChannel.MapMode.READ_ONLY, 0, channel.size()));
    }
    return crc.getValue();
  }
}
