package tacet.jfr;

/** The events of one model's memory. */
public final class ModelFlight implements AutoCloseable {

  /** A model's native memory in bytes. */
  public interface Memory {
    long used();

    long highest();

    long limit();
  }

  private final String model;
  private final Memory memory;

  /** From now on periodic events tell of this model, until it is closed. */
  public ModelFlight(String model, Memory memory) {
    this.model = model;
    this.memory = memory;
    Recorded.MODELS.add(this);
  }

  void reportMemory() {
    TensorMemoryEvent e = new TensorMemoryEvent();
    e.model = model;
    e.inUse = memory.used();
    e.highest = memory.highest();
    e.limit = memory.limit();
    e.commit();
  }

  @Override
  public void close() {
    reportMemory();
    Recorded.MODELS.remove(this);
  }
}
