package tacet.insight.survey;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import tacet.Model;
import tacet.ModelOptions;
import tacet.insight.Presets;
import tacet.insight.RandomWeights;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

class SurveyTest {

  private static final Shape INPUT = Shape.of(1, 3, Presets.SIZE, Presets.SIZE);

  private static Model model(int threads) {
    return Model.of(
        RandomWeights.of(Presets.conv(1), 3), ModelOptions.defaults().withThreads(threads));
  }

  /** Noise whose seed is the file's name; a name that is no number is a broken file. */
  private static Surveyor.Source decode(Path file) throws IOException {
    try {
      return new Noise(INPUT, Long.parseLong(file.toString()));
    } catch (NumberFormatException e) {
      throw new IOException(file + ": no image", e);
    }
  }

  private record Noise(Shape shape, long seed) implements Surveyor.Source {
    @Override
    public void write(Tensor input) {
      input.data().copyFrom(Presets.noise(shape, seed).data());
    }
  }

  private static List<Path> files(int from, int to) {
    List<Path> files = new ArrayList<>();
    for (int i = from; i < to; i++) {
      files.add(Path.of(Integer.toString(i)));
    }
    return files;
  }

  private static Survey survey(Model model, List<Path> files) throws InterruptedException {
    return new Surveyor(model, SurveyTest::decode, _ -> {}).run(files);
  }

  @Test
  void partsAddUpToTheWholeExactly() throws InterruptedException {
    try (Model model = model(2)) {
      Survey whole = survey(model, files(0, 9));
      Survey merged = survey(model, files(5, 9)).plus(survey(model, files(0, 5)));
      assertEquals(9, whole.images());
      assertEquals(whole.images(), merged.images());
      assertTrue(whole.complete());
      for (int i = 0; i < whole.layers().size(); i++) {
        LayerSurvey a = whole.layers().get(i);
        LayerSurvey b = merged.layers().get(i);
        assertEquals(a.zeros(), b.zeros());
        assertEquals(a.nearZeros(), b.nearZeros());
        assertArrayEquals(a.fired(), b.fired());
        assertArrayEquals(a.firedSquares(), b.firedSquares());
        assertArrayEquals(a.firingImages(), b.firingImages());
        assertEquals(a.population(), b.population());
        assertEquals(a.hoyer(), b.hoyer());
      }
    }
  }

  @Test
  void brokenFilesAreListedAndTheRestCounts() throws InterruptedException {
    try (Model model = model(2)) {
      List<Path> files = new ArrayList<>(files(0, 3));
      files.add(1, Path.of("readme.txt"));
      Survey s = survey(model, files);
      assertEquals(3, s.images());
      assertEquals("readme.txt", s.broken().getFirst().file());
      assertTrue(s.complete());
    }
  }

  @Test
  void stoppedItIsAValidPart() throws InterruptedException {
    try (Model model = model(1)) {
      AtomicReference<Surveyor> surveyor = new AtomicReference<>();
      surveyor.set(
          new Surveyor(
              model,
              SurveyTest::decode,
              done -> {
                if (done == 2) {
                  surveyor.get().stop();
                }
              }));
      Survey s = surveyor.get().run(files(0, 50));
      // Two images, and those that other workers had under way.
      assertTrue(s.images() >= 2 && s.images() < 10, () -> s.images() + " images");
      assertFalse(s.complete());
    }
  }

  private static LayerSurvey layer(String name, long... zerosPerUnit) {
    SurveySum.Layer l = new SurveySum.Layer(name, "Relu", 40, zerosPerUnit.length);
    l.add(0, 0, zerosPerUnit);
    return l.survey();
  }

  @Test
  void sparsenessByDefinition() {
    LayerSurvey even = layer("l", 0, 0, 0, 0);
    assertEquals(1, even.populationSparseness(1), 1e-9);
    assertEquals(0, even.hoyerIndex(1), 1e-9);
    LayerSurvey one = layer("l", 10, 10, 0, 10);
    assertEquals(0.25, one.populationSparseness(1), 1e-9);
    assertEquals(1, one.hoyerIndex(1), 1e-9);
    assertEquals(3, one.silentUnits());
    LayerSurvey both = even.plus(one);
    // Unit 0 responds to one of two images: (½·10)² / (½·100).
    assertEquals(0.5, both.lifetimeSparseness(0, 2), 1e-9);
    assertEquals(1, both.lifetimeSparseness(2, 2), 1e-9);
    assertEquals(0.5, both.firingRate(0, 2), 1e-9);
    assertThrows(IllegalArgumentException.class, () -> even.plus(layer("other", 0, 0, 0, 0)));
  }
}
