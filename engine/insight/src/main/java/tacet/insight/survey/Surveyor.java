package tacet.insight.survey;

import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;
import tacet.Model;
import tacet.error.TacetException;
import tacet.tensor.Tensor;

/**
 * Runs a network over files. As many workers as the model has threads each decode a file and run it, so that while one
 * waits for the disk or decodes, others compute; each adds to a survey of its own, and those add up in the end.
 */
public final class Surveyor {

  /** Makes a file the network's input; called by several threads. */
  @FunctionalInterface
  public interface Decoder {
    /**
     * @throws IOException where the file is no image or cannot be read
     */
    Tensor decode(Path file) throws IOException;
  }

  private final Model model;
  private final Decoder decoder;
  private final IntConsumer progress;
  private final AtomicBoolean stopped = new AtomicBoolean();

  /**
   * @param progress told the number of files done, from the workers
   */
  public Surveyor(Model model, Decoder decoder, IntConsumer progress) {
    this.model = model;
    this.decoder = decoder;
    this.progress = progress;
  }

  /** Lets {@link #run} end after the images under way; callable from any thread. */
  public void stop() {
    stopped.set(true);
  }

  /**
   * Goes over the files.
   *
   * @throws InterruptedException where the calling thread is interrupted
   */
  public Survey run(List<Path> files) throws InterruptedException {
    AtomicInteger next = new AtomicInteger();
    AtomicInteger done = new AtomicInteger();
    int workers = Math.max(1, Math.min(model.options().threads(), files.size()));
    Survey[] parts = new Survey[workers];
    List<RuntimeException> failures = new ArrayList<>();
    List<Thread> threads = new ArrayList<>();
    for (int w = 0; w < workers; w++) {
      int worker = w;
      Runnable work =
          () -> {
            try {
              parts[worker] = work(files, next, done);
            } catch (RuntimeException e) {
              stop();
              synchronized (failures) {
                failures.add(e);
              }
            }
          };
      threads.add(Thread.ofPlatform().daemon().name("tacet-survey-" + w).start(work));
    }
    try {
      for (Thread t : threads) {
        t.join();
      }
    } catch (InterruptedException e) {
      stop();
      threads.forEach(Thread::interrupt);
      throw e;
    }
    if (!failures.isEmpty()) {
      throw failures.getFirst();
    }
    Survey sum = Survey.empty(model.graph().source());
    for (Survey part : parts) {
      sum = sum.plus(part);
    }
    return done.get() < files.size() ? sum.incomplete() : sum;
  }

  private Survey work(List<Path> files, AtomicInteger next, AtomicInteger done) {
    String input = model.inputs().getFirst().name();
    Survey sum = Survey.empty(model.graph().source());
    while (!stopped.get()) {
      int i = next.getAndIncrement();
      if (i >= files.size()) {
        break;
      }
      Path file = files.get(i);
      try {
        Tensor t = decoder.decode(file);
        Survey one = Survey.of(sum.model(), model.run(Map.of(input, t)).profile());
        sum = add(sum, one, file);
      } catch (IOException e) {
        sum = sum.withBroken(file.toString(), e.getMessage());
      } catch (TacetException | IllegalArgumentException e) {
        sum = sum.withBroken(file.toString(), e.getMessage());
      } catch (InterruptedException e) {
        break;
      }
      progress.accept(done.incrementAndGet());
    }
    return sum;
  }

  private static Survey add(Survey sum, Survey one, Path file) {
    if (!sum.layers().isEmpty()
        && sum.layers().getFirst().positions() != one.layers().getFirst().positions()) {
      return sum.withBroken(file.toString(), "gives an input of another size than those before");
    }
    return sum.plus(one);
  }
}
