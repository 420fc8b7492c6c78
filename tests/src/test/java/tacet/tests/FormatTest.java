package tacet.tests;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;

import com.google.googlejavaformat.java.FormatterException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class FormatTest {

  @Test
  void everySourceIsFormatted() throws IOException, FormatterException {
    Path root = Data.root();
    List<Path> sources = SourceFormat.sources(root);
    assertFalse(sources.isEmpty());
    List<Path> differing = new ArrayList<>();
    for (Path file : sources) {
      String text = Files.readString(file);
      if (!SourceFormat.format(text).equals(text)) {
        differing.add(root.relativize(file));
      }
    }
    assertEquals(
        List.of(),
        differing,
        "not formatted; this command formats them: mvn -q -N -P format initialize");
  }
}
