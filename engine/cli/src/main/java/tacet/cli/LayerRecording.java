package tacet.cli;

import java.io.EOFException;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import jdk.jfr.consumer.RecordedEvent;
import jdk.jfr.consumer.RecordingFile;

/**
 * What a flight recording says of layers.
 *
 * @param rows layers of all models, most time first
 * @param inferences runs that were recorded
 * @param peakGflops measured peak of the machine that made the recording; NaN where it has none
 * @param exact whether the rows are totals, not events of single layers
 */
record LayerRecording(List<Row> rows, long inferences, double peakGflops, boolean exact) {

  /** Totals of one layer. */
  record Row(
      String model,
      String layer,
      String op,
      String outputShape,
      String kernel,
      String backend,
      long runs,
      long nanoseconds,
      long multiplyAdds,
      long skipped,
      long elements,
      long zeros,
      long nearZeros) {

    private Row plus(Row o) {
      return new Row(
          model,
          layer,
          op,
          outputShape,
          o.kernel,
          o.backend,
          runs + o.runs,
          nanoseconds + o.nanoseconds,
          multiplyAdds + o.multiplyAdds,
          skipped + o.skipped,
          elements + o.elements,
          zeros + o.zeros,
          nearZeros + o.nearZeros);
    }

    /** 10⁹ operations per second, two per multiply-add. */
    double gflops() {
      return nanoseconds == 0 ? 0 : 2.0 * multiplyAdds / nanoseconds;
    }

    private List<Object> key() {
      return List.of(model, layer, op, outputShape);
    }
  }

  /**
   * Reads a recording.
   *
   * @throws IllegalArgumentException where it is none, or has no events of Tacet
   */
  static LayerRecording read(Path file) throws IOException {
    Map<List<Object>, Row> single = new LinkedHashMap<>();
    Map<List<Object>, Row> lastTotals = new HashMap<>();
    long inferences = 0;
    double peak = Double.NaN;
    // The JDK takes an empty file, or one that is none, for a programming error now and then.
    if (Files.size(file) == 0) {
      throw new IllegalArgumentException(file + ": is empty");
    }
    try (RecordingFile recording = new RecordingFile(file)) {
      while (recording.hasMoreEvents()) {
        RecordedEvent e = recording.readEvent();
        switch (e.getEventType().getName()) {
          case "tacet.Layer" -> {
            Row r = row(e, 1, e.getDuration().toNanos());
            single.merge(r.key(), r, Row::plus);
          }
          case "tacet.LayerSummary" -> {
            Row r = row(e, e.getLong("runs"), e.getDuration("totalTime").toNanos());
            lastTotals.put(List.of(r.key(), e.getLong("plan")), r);
          }
          case "tacet.Inference" -> inferences++;
          case "tacet.Peak" -> peak = e.getDouble("gflops");
          default -> {}
        }
      }
    } catch (EOFException e) {
      throw new IllegalArgumentException(file + ": is cut off", e);
    } catch (IOException e) {
      throw new IllegalArgumentException(file + ": is no flight recording", e);
    }
    boolean exact = single.isEmpty();
    if (exact) {
      lastTotals.values().forEach(r -> single.merge(r.key(), r, Row::plus));
    }
    if (single.isEmpty()) {
      throw new IllegalArgumentException(
          file
              + ": has no events tacet.Layer or tacet.LayerSummary; record with the settings that"
              + " 'tacet profile --settings' prints");
    }
    List<Row> rows = new ArrayList<>(single.values());
    rows.sort(Comparator.comparingLong(Row::nanoseconds).reversed());
    return new LayerRecording(List.copyOf(rows), inferences, peak, exact);
  }

  private static Row row(RecordedEvent e, long runs, long nanoseconds) {
    return new Row(
        e.getString("model"),
        e.getString("layer"),
        e.getString("op"),
        e.getString("outputShape"),
        e.getString("kernel"),
        e.getString("backend"),
        runs,
        nanoseconds,
        e.getLong("multiplyAdds"),
        e.getLong("skipped"),
        e.getLong("elements"),
        e.getLong("zeros"),
        e.getLong("nearZeros"));
  }
}
