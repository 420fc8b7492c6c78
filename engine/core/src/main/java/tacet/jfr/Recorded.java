package tacet.jfr;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import jdk.jfr.FlightRecorder;

/** What periodic events tell of: models and plans that have run under a recording and are not closed. */
final class Recorded {

  static final Set<PlanFlight> PLANS = ConcurrentHashMap.newKeySet();
  static final Set<ModelFlight> MODELS = ConcurrentHashMap.newKeySet();

  static {
    FlightRecorder.addPeriodicEvent(
        LayerSummaryEvent.class, () -> PLANS.forEach(PlanFlight::summarise));
    FlightRecorder.addPeriodicEvent(
        DeadChannelsEvent.class, () -> PLANS.forEach(PlanFlight::reportDeadChannels));
    FlightRecorder.addPeriodicEvent(
        TensorMemoryEvent.class, () -> MODELS.forEach(ModelFlight::reportMemory));
  }

  private Recorded() {}
}
