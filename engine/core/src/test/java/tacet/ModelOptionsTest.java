package tacet;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.reflect.RecordComponent;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Executor;
import org.junit.jupiter.api.Test;
import tacet.kernels.CountLevel;
import tacet.kernels.SparseMode;
import tacet.profile.LayerProfile;
import tacet.tensor.Tensor;

class ModelOptionsTest {

  /** Every copy differs from the original in the component that was asked for, and in no other. */
  @Test
  void copiesChangeOneThing() throws ReflectiveOperationException {
    ModelOptions o = ModelOptions.defaults().withThreads(3);
    Executor executor = Runnable::run;
    ModelOptions[] copies = {
      o.withBackend(Backend.SCALAR),
      o.withThreads(7),
      o.withCounts(CountLevel.OFF),
      o.withNearZero(0.5f),
      o.withFuse(false),
      o.withStrict(true),
      o.withSparse(SparseMode.OFF),
      o.withMeasure(true),
      o.withExecutor(executor),
      o.withMemoryLimit(1)
    };
    RecordComponent[] components = ModelOptions.class.getRecordComponents();
    assertEquals(components.length, copies.length);
    for (int i = 0; i < copies.length; i++) {
      List<String> changed = new ArrayList<>();
      for (RecordComponent c : components) {
        Object before = c.getAccessor().invoke(o);
        Object after = c.getAccessor().invoke(copies[i]);
        if (before == null ? after != null : !before.equals(after)) {
          changed.add(c.getName());
        }
      }
      assertEquals(List.of(components[i].getName()), changed);
    }
  }

  @Test
  void strictArithmeticComesWithAReason() throws InterruptedException {
    ModelOptions options =
        ModelOptions.defaults().withBackend(Backend.VECTOR).withThreads(1).withFuse(false);
    Tensor image = Networks.noise(1, 1, 3, 24, 24);
    try (Model any = Model.of(Networks.classifier(), options);
        Model strict = Model.of(Networks.classifier(), options.withStrict(true))) {
      Result expected = any.run(image);
      Result got = strict.run(image);
      LayerProfile fast = expected.profile().layer("conv2").orElseThrow();
      LayerProfile plain = got.profile().layer("conv2").orElseThrow();
      assertTrue(fast.kernel().startsWith("winograd"), fast.kernel());
      assertTrue(!plain.kernel().startsWith("winograd"), plain.kernel());
      assertTrue(plain.reason().contains("arithmetic is strict"), plain.reason());
      assertArrayEquals(expected.output().toFloats(), got.output().toFloats(), 1e-5f);
    }
  }
}
