package tacet.cli;

import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;

import org.junit.jupiter.api.Test;

/** Whether it fails nobody would notice otherwise: the launcher does without its cache then. */
class TrainingTest {

  @Test
  void everyCommandSucceeds() {
    assertDoesNotThrow(() -> Training.main(new String[0]));
  }
}
