package tacet.cli;

import java.io.IOException;
import java.io.PrintStream;
import java.nio.file.Files;
import java.nio.file.NotDirectoryException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import tacet.Model;
import tacet.graph.Graph;
import tacet.graph.ValueInfo;
import tacet.insight.survey.LayerSurvey;
import tacet.insight.survey.Survey;
import tacet.insight.survey.Surveyor;

/** Runs a network over all images of folders. */
@Command(
    name = "survey",
    mixinStandardHelpOptions = true,
    description =
        "Runs a network over all images of folders: silent units, firing rates, sparseness per"
            + " image and over images. Ctrl-C ends it with what there is so far.")
final class SurveyCommand implements Callable<Integer> {

  private static final int INTERRUPTED = 130;
  private static final int MOST_BROKEN_SHOWN = 10;

  @Parameters(
      arity = "0..*",
      paramLabel = "MODEL FOLDER",
      description = "A model file and folders of images, searched through and through.")
  private List<Path> files = List.of();

  @Option(
      names = "--merge",
      arity = "1..*",
      paramLabel = "FILE",
      description = "Adds up surveys that --json wrote, instead of running a network.")
  private List<Path> merge = List.of();

  @Option(names = "--json", paramLabel = "FILE", description = "Write everything as JSON.")
  private Path json;

  @Option(
      names = "--bare",
      description =
          "In turns with the survey, run the network alone on images in memory and as many threads:"
              + " the rate that nothing but inference would allow.")
  private boolean bare;

  @Mixin private ModelOptionsMixin modelOptions;
  @Mixin private ImageOptions imageOptions;

  private final PrintStream out = System.out;
  private final CountDownLatch written = new CountDownLatch(1);

  /** What is under way, or null before and after; guarded by {@code this}. */
  private Surveyor underWay;

  private volatile boolean interrupted;

  @Override
  public Integer call() throws IOException, InterruptedException {
    Destination.requireFile(json);
    if (!merge.isEmpty()) {
      if (!files.isEmpty()) {
        throw new IllegalArgumentException("--merge takes surveys only, no model and no folder");
      }
      Survey sum = SurveyJson.read(merge.getFirst());
      for (Path part : merge.subList(1, merge.size())) {
        sum = sum.plus(SurveyJson.read(part));
      }
      finish(sum);
      return 0;
    }
    if (files.size() < 2) {
      throw new IllegalArgumentException("survey takes a model and at least one folder of images");
    }
    // From here on, however early it is ended, what there is is written: reading and planning take
    // seconds.
    Thread hook = Thread.ofPlatform().unstarted(this::interrupt);
    Runtime.getRuntime().addShutdownHook(hook);
    try {
      survey();
    } finally {
      written.countDown();
    }
    if (interrupted) {
      return INTERRUPTED;
    }
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // It has just begun, and finds everything written.
    }
    return 0;
  }

  private void survey() throws IOException, InterruptedException {
    List<Path> images = images(files.subList(1, files.size()));
    Graph graph = Model.read(files.getFirst());
    ValueInfo input = InspectInput.onlyInput(graph);
    try (Model model =
        Model.of(imageOptions.normalising(graph), modelOptions.options().withMeasure(true))) {
      Surveyor surveyor;
      Survey survey;
      try (Progress progress = new Progress("survey")) {
        surveyor =
            new Surveyor(
                model, imageOptions.pixels(input), done -> progress.at(done, images.size()));
        if (!begins(surveyor)) {
          return;
        }
        survey = bare ? surveyor.runBeside(images) : surveyor.run(images);
      }
      finish(survey);
      written.countDown();
      printTimes(survey, surveyor.times(), model.options().threads());
      if (surveyor.times().bareRate() > 0) {
        printBare(survey, surveyor.times());
      }
    }
  }

  /** Whether nobody has ended it before it began. */
  private synchronized boolean begins(Surveyor surveyor) {
    underWay = interrupted ? null : surveyor;
    return underWay != null;
  }

  private void printBare(Survey survey, Surveyor.Times t) {
    out.printf(
        Locale.ROOT,
        "Inference alone, in turns with the survey: %.1f images per second on as many threads; the"
            + " survey ran at %.2f of that",
        t.bareRate(),
        survey.images() / t.seconds() / t.bareRate());
    if (survey.images() > 2 * t.startImages()) {
      out.printf(
          Locale.ROOT, ", at %.2f once code was compiled", compiledRate(survey, t) / t.bareRate());
    }
    out.println(".");
  }

  /** Images per second after the start. */
  private static double compiledRate(Survey survey, Surveyor.Times t) {
    return (survey.images() + survey.broken().size() - t.startImages())
        / (t.seconds() - t.startSeconds());
  }

  private void printTimes(Survey survey, Surveyor.Times t, int threads) {
    long n = survey.images();
    out.printf(
        Locale.ROOT,
        "%d images in %.1f s: %.1f per second, %d at once%n",
        n,
        t.seconds(),
        n / t.seconds(),
        threads);
    if (n > 2 * t.startImages()) {
      out.printf(
          Locale.ROOT,
          "The first %d took %.1f s, on one thread, while code was compiled; then %.1f per"
              + " second%n",
          t.startImages(),
          t.startSeconds(),
          compiledRate(survey, t));
    }
    if (n > 0) {
      out.printf(
          Locale.ROOT,
          "Per image %.2f ms of a processor: decoding %.2f ms (%.1f %%), inference %.2f ms (%.1f"
              + " %%), accounting %.3f ms (%.1f %%)%n",
          1e3 * t.processor() / n,
          1e3 * t.decoding() / n,
          100 * t.decoding() / t.processor(),
          1e3 * t.inference() / n,
          100 * t.inference() / t.processor(),
          1e3 * t.accounting() / n,
          100 * t.accounting() / t.processor());
    }
  }

  /**
   * The VM ends: lets the survey finish with what it has, and writes an empty one where it has not
   * begun.
   */
  private void interrupt() {
    synchronized (this) {
      if (written.getCount() == 0) {
        return;
      }
      interrupted = true;
      if (underWay == null) {
        try {
          finish(Survey.empty(files.getFirst().toString()).incomplete());
        } catch (IOException e) {
          System.err.println("tacet: " + Main.oneLine(String.valueOf(e.getMessage())));
        }
        return;
      }
      underWay.stop();
    }
    try {
      written.await(20, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  private static List<Path> images(List<Path> folders) throws IOException {
    List<Path> images = new ArrayList<>();
    for (Path folder : folders) {
      if (!Files.isDirectory(folder)) {
        throw new NotDirectoryException(folder.toString());
      }
      try (Stream<Path> all = Files.walk(folder)) {
        all.filter(Files::isRegularFile)
            .filter(f -> !f.getFileName().toString().startsWith("."))
            .sorted()
            .forEach(images::add);
      }
    }
    if (images.isEmpty()) {
      throw new IllegalArgumentException(folders.getFirst() + ": holds no files");
    }
    return images;
  }

  private void finish(Survey s) throws IOException {
    if (json != null) {
      JsonFile.write(json, SurveyJson.of(s));
    }
    print(s);
  }

  private void print(Survey s) {
    List<String[]> rows = new ArrayList<>();
    rows.add(
        new String[] {
          "layer", "op", "zero %", "silent", "population", "Hoyer", "lifetime", "median rate %"
        });
    for (LayerSurvey l : s.layers()) {
      double[] rates = new double[l.units()];
      for (int c = 0; c < rates.length; c++) {
        rates[c] = l.firingRate(c, s.images());
      }
      java.util.Arrays.sort(rates);
      rows.add(
          new String[] {
            l.name(),
            l.op(),
            String.format(Locale.ROOT, "%.2f", 100 * l.zeroFraction(s.images())),
            l.silentUnits() + "/" + l.units(),
            String.format(Locale.ROOT, "%.3f", l.populationSparseness(s.images())),
            String.format(Locale.ROOT, "%.3f", l.hoyerIndex(s.images())),
            String.format(Locale.ROOT, "%.3f", l.medianLifetimeSparseness(s.images())),
            String.format(Locale.ROOT, "%.1f", 100 * rates[rates.length / 2])
          });
    }
    LayerTable.print(out, rows, 2);
    out.println();
    out.printf(
        Locale.ROOT,
        "A unit silent on all %d images fires on fewer than %.2f %% of such images (95 %%).%n",
        s.images(),
        100 * s.silentRateBound());
    if (!s.broken().isEmpty()) {
      printBroken(s.broken());
    }
    if (!s.complete()) {
      out.println("Ended before all files were reached: this is a part of the survey.");
    }
  }

  /** A few by name; many by what is wrong with them, the commonest first, with a name each. */
  private void printBroken(List<Survey.Broken> broken) {
    out.println(broken.size() + (broken.size() == 1 ? " file" : " files") + " could not be used:");
    if (broken.size() <= MOST_BROKEN_SHOWN) {
      broken.forEach(b -> out.println("  " + b.file() + ": " + b.reason()));
      return;
    }
    Map<String, List<Survey.Broken>> reasons =
        broken.stream()
            .collect(
                Collectors.groupingBy(
                    Survey.Broken::reason, LinkedHashMap::new, Collectors.toList()));
    reasons.values().stream()
        .sorted(Comparator.comparingInt((List<Survey.Broken> l) -> l.size()).reversed())
        .limit(MOST_BROKEN_SHOWN)
        .forEach(
            l ->
                out.println(
                    "  " + l.size() + " as " + l.getFirst().file() + ": " + l.getFirst().reason()));
    int rest = reasons.size() - MOST_BROKEN_SHOWN;
    out.println((rest > 0 ? "  and " + rest + " other reasons; " : "  ") + "--json FILE lists all");
  }
}
