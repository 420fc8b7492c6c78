package tacet;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertSame;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import tacet.error.DeadlineExceededException;
import tacet.error.ShapeMismatchException;
import tacet.kernels.DataType;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

@Timeout(120)
class SessionTest {

  private static final ModelOptions OPTIONS = ModelOptions.defaults().withThreads(2);

  @Test
  void sessionsGiveWhatRunsGive() throws InterruptedException {
    try (Model model = Model.of(Networks.classifier(), OPTIONS)) {
      Set<String> taps = Set.of("relu2", "conv3", "sum");
      try (Session session = model.session(Map.of("image", Shape.of(1, 3, 24, 24)), taps)) {
        for (int seed = 0; seed < 5; seed++) {
          Tensor image = Networks.noise(seed, 1, 3, 24, 24);
          Result expected = model.run(Map.of("image", image), taps);
          session.input().data().copyFrom(image.data());
          session.run();
          assertEquals(expected.outputs().keySet(), session.outputs().keySet());
          for (String name : expected.outputs().keySet()) {
            assertArrayEquals(
                expected.output(name).toFloats(), session.output(name).toFloats(), name);
            assertEquals(expected.output(name).shape(), session.output(name).shape());
          }
          assertEquals(
              expected.profile().layer("relu2").orElseThrow().counts().zeros(),
              session.profile().layer("relu2").orElseThrow().counts().zeros());
          assertArrayEquals(image.toFloats(), session.input("image").toFloats());
        }
      }
    }
  }

  @Test
  void viewsLiveAsLongAsTheSession() throws InterruptedException {
    try (Model model = Model.of(Networks.classifier(), OPTIONS)) {
      Session session = model.session();
      assertThrows(IllegalStateException.class, session::output);
      Tensor input = session.input();
      input.copyFrom(new float[3 * 24 * 24]);
      session.run();
      Tensor output = session.output();
      assertSame(output, session.output("probabilities"));
      assertEquals(1f, sum(output.toFloats()), 1e-5);
      assertThrows(NoSuchElementException.class, () -> session.output("nothing"));
      assertThrows(NoSuchElementException.class, () -> session.input("nothing"));
      session.close();
      session.close();
      assertThrows(IllegalStateException.class, session::run);
      assertThrows(IllegalStateException.class, session::input);
      assertThrows(IllegalStateException.class, session::output);
      assertThrows(IllegalStateException.class, session::profile);
      assertThrows(IllegalStateException.class, output::toFloats);
      assertThrows(IllegalStateException.class, () -> input.data().get(ValueLayout.JAVA_FLOAT, 0));
    }
  }

  @Test
  void closingTheModelClosesItsSessions() throws InterruptedException {
    Model model = Model.of(Networks.classifier(), OPTIONS);
    Session session = model.session();
    session.run();
    Tensor output = session.output();
    assertTrue(model.memory().inUse() > 0);
    model.close();
    model.close();
    assertThrows(IllegalStateException.class, session::run);
    assertThrows(IllegalStateException.class, output::toFloats);
    assertThrows(IllegalStateException.class, model::session);
    assertThrows(IllegalStateException.class, model::memory);
    assertThrows(IllegalStateException.class, model::warmUp);
    assertThrows(IllegalStateException.class, () -> model.run(Networks.noise(1, 1, 3, 24, 24)));
    session.close();
  }

  @Test
  void resultsOutliveTheModel() throws InterruptedException {
    Result result;
    try (Model model = Model.of(Networks.classifier(), OPTIONS)) {
      result = model.run(Networks.noise(1, 1, 3, 24, 24));
    }
    assertEquals(1f, sum(result.output().toFloats()), 1e-5);
  }

  @Test
  void inputsComeAsArraysBuffersAndSegments() throws InterruptedException {
    float[] values = Networks.noise(3, 1, 3, 24, 24).toFloats();
    Shape shape = Shape.of(1, 3, 24, 24);
    ByteBuffer bigEndian = ByteBuffer.allocate(values.length * 4).order(ByteOrder.BIG_ENDIAN);
    bigEndian.asFloatBuffer().put(values);
    ByteBuffer direct =
        ByteBuffer.allocateDirect(values.length * 4 + 8).order(ByteOrder.nativeOrder());
    direct.position(8);
    direct.slice().order(ByteOrder.nativeOrder()).asFloatBuffer().put(values);
    Tensor heap =
        new Tensor(DataType.FLOAT32, shape, java.lang.foreign.MemorySegment.ofArray(values));
    try (Model model = Model.of(Networks.classifier(), OPTIONS)) {
      float[] expected = model.run(values).output().toFloats();
      assertArrayEquals(expected, model.run(heap).output().toFloats());
      assertArrayEquals(expected, model.run(Tensor.of(shape, bigEndian)).output().toFloats());
      assertArrayEquals(expected, model.run(Tensor.of(shape, direct)).output().toFloats());
      Tensor output = model.run(values).output();
      assertEquals(expected[3], output.asByteBuffer().asFloatBuffer().get(3));
      assertThrows(IllegalArgumentException.class, () -> Tensor.of(shape, ByteBuffer.allocate(7)));
      assertThrows(IllegalArgumentException.class, () -> model.run(new float[5]));
    }
  }

  @Test
  void anySizeAndBatch() throws InterruptedException {
    try (Model model = Model.of(Networks.anySize(), OPTIONS)) {
      for (int side : new int[] {8, 33, 64}) {
        float[] both = model.run(Networks.noise(side, 2, 3, side, side)).output().toFloats();
        float[] pair = Networks.noise(side, 2, 3, side, side).toFloats();
        float[] second =
            model
                .run(
                    Tensor.of(
                        Shape.of(1, 3, side, side),
                        java.util.Arrays.copyOfRange(pair, pair.length / 2, pair.length)))
                .output()
                .toFloats();
        assertArrayEquals(
            java.util.Arrays.copyOfRange(both, both.length / 2, both.length), second, 1e-5f);
      }
      try (Session session = model.session(Shape.of(3, 3, 16, 16))) {
        session.run();
        assertEquals(Shape.of(3, 8, 8, 8), session.output().shape());
      }
      assertThrows(IllegalArgumentException.class, model::session);
      assertThrows(ShapeMismatchException.class, () -> model.run(Networks.noise(1, 1, 4, 16, 16)));
      // A plan that could not be made leaves nothing behind.
      assertEquals(
          Shape.of(1, 8, 8, 8), model.run(Networks.noise(1, 1, 3, 16, 16)).output().shape());
    }
  }

  @Test
  void aSessionHasOneUserAtATime() throws Exception {
    NetworkBuilder b = new NetworkBuilder("slow", 1);
    String x = b.input("image", 1, 64, 96, 96);
    for (int i = 0; i < 12; i++) {
      x = b.convolution("conv" + i, x, 64, 3, 1, 1);
    }
    try (Model model = Model.of(b.build(x), OPTIONS)) {
      Session session = model.session();
      List<String> seen = Collections.synchronizedList(new ArrayList<>());
      Runnable user =
          () -> {
            try {
              while (seen.isEmpty()) {
                session.run();
              }
            } catch (IllegalStateException e) {
              seen.add(e.getMessage());
            } catch (InterruptedException e) {
              Thread.currentThread().interrupt();
            }
          };
      Thread other = Thread.ofPlatform().start(user);
      user.run();
      session.close();
      other.join();
      assertEquals(List.of("the session is in use by another thread"), seen);
    }
  }

  @Test
  void runsStopBetweenLayersWhenInterruptedOrOutOfTime() throws Exception {
    NetworkBuilder b = new NetworkBuilder("deep", 1);
    String x = b.input("image", 1, 32, 64, 64);
    for (int i = 0; i < 100; i++) {
      x = b.convolution("conv" + i, x, 32, 3, 1, 1);
    }
    try (Model model = Model.of(b.build(x), OPTIONS)) {
      Tensor image = Networks.noise(1, 1, 32, 64, 64);
      float[] expected = model.run(image).output().toFloats();
      RunOptions soon = RunOptions.defaults().withTimeout(Duration.ofMillis(1));
      DeadlineExceededException e =
          assertThrows(
              DeadlineExceededException.class, () -> model.run(Map.of("image", image), soon));
      assertTrue(e.getMessage().contains("steps done"), e.getMessage());
      Thread.currentThread().interrupt();
      assertThrows(InterruptedException.class, () -> model.run(image));
      assertTrue(!Thread.interrupted());
      Thread caller = Thread.currentThread();
      Thread.ofVirtual()
          .start(
              () -> {
                try {
                  Thread.sleep(3);
                } catch (InterruptedException ignored) {
                  return;
                }
                caller.interrupt();
              });
      assertThrows(
          InterruptedException.class,
          () -> {
            while (true) {
              model.run(image);
            }
          });
      assertArrayEquals(expected, model.run(image).output().toFloats());
    }
  }

  @Test
  void waitingForTheBudgetCountsForTheDeadline() throws Exception {
    try (Model model = Model.of(Networks.classifier(), OPTIONS.withThreads(1));
        tacet.kernels.ThreadBudget.Team _ = model.share(null, null)) {
      RunOptions soon = RunOptions.defaults().withTimeout(Duration.ofMillis(5));
      assertThrows(
          DeadlineExceededException.class,
          () -> model.run(Map.of("image", Networks.noise(1, 1, 3, 24, 24)), soon));
    }
  }

  @Test
  void warmUpReachesAPlateauOrStopsInTime() throws InterruptedException {
    try (Model model = Model.of(Networks.classifier(), OPTIONS)) {
      WarmUp brief = model.warmUp(Map.of("image", Shape.of(1, 3, 24, 24)), Duration.ofMillis(30));
      assertTrue(brief.runs() >= 1);
      WarmUp full = model.warmUp();
      assertTrue(full.elapsed().toMillis() < 7_000, full.toString());
      assertTrue(full.runs() > 1, full.toString());
    }
  }

  private static float sum(float[] values) {
    float s = 0;
    for (float v : values) {
      s += v;
    }
    return s;
  }
}
