package tacet.insight.survey;

import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.IntConsumer;
import tacet.Model;
import tacet.Session;
import tacet.error.TacetException;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/**
 * Runs a network over files. Every worker has a session of its own: it decodes a file into the session's input, runs it on
 * its own thread, and adds what was counted to a survey of its own; those add up in the end. As many workers compute at once
 * as the model has threads, and one decodes while another computes. On processors that the budget leaves free there are more
 * workers, which decode; where it leaves none they would only take turns with the others.
 */
public final class Surveyor {

  /** An image that is read and has the size that the network is to see, but is not yet in the network's memory. */
  public interface Source {
    Shape shape();

    /** Writes the values into an input of the shape. */
    void write(Tensor input);
  }

  /** Reads a file; called by several threads. */
  @FunctionalInterface
  public interface Decoder {
    /**
     * @throws IOException where the file is no image or cannot be read
     */
    Source decode(Path file) throws IOException;
  }

  /**
   * Where the time went.
   *
   * @param seconds from the first image to the last; the plan is made before
   * @param startSeconds part of them in which one worker ran alone while code was compiled
   * @param startImages files taken in that time
   * @param decoding processor seconds of reading, decoding and preparing images, over all workers
   * @param inference processor seconds of running the network
   * @param accounting processor seconds of adding counts up
   */
  public record Times(
      double seconds,
      double startSeconds,
      int startImages,
      double decoding,
      double inference,
      double accounting) {

    /** All processor seconds. */
    public double processor() {
      return decoding + inference + accounting;
    }
  }

  /** Images that the network is run on to measure it alone, per thread. */
  private static final int BARE_IMAGES = 8;

  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  private final Model model;
  private final Decoder decoder;
  private final IntConsumer progress;
  private final AtomicBoolean stopped = new AtomicBoolean();
  private Times times = new Times(0, 0, 0, 0, 0, 0);

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

  /** Of the last {@link #run}. */
  public Times times() {
    return times;
  }

  /**
   * Goes over the files. The first one that the network takes decides the size of all: what gives an input of another size is
   * listed as broken.
   *
   * @throws InterruptedException where the calling thread is interrupted
   */
  public Survey run(List<Path> files) throws InterruptedException {
    Shape shape = firstShape(files);
    AtomicInteger next = new AtomicInteger();
    AtomicInteger done = new AtomicInteger();
    List<Worker> workers = new ArrayList<>();
    Start warming = new Start();
    int threads = model.options().threads();
    int spare = Runtime.getRuntime().availableProcessors() - threads;
    int most = Math.min(files.size(), threads + Math.clamp(spare, 0, threads));
    long start = System.nanoTime();
    for (int w = 0; w < Math.max(1, most); w++) {
      workers.add(new Worker(files, shape, next, done, w == 0, warming));
    }
    inParallel(workers);
    Survey sum = Survey.empty(model.graph().source());
    double[] spent = new double[3];
    for (Worker w : workers) {
      sum = sum.plus(w.sum.survey());
      spent[0] += w.decoding / 1e9;
      spent[1] += w.inference / 1e9;
      spent[2] += w.accounting / 1e9;
    }
    double seconds = (System.nanoTime() - start) / 1e9;
    times =
        new Times(seconds, warming.nanos() / 1e9, warming.images(), spent[0], spent[1], spent[2]);
    return done.get() < files.size() ? sum.incomplete() : sum;
  }

  /**
   * Runs the network alone, on as many threads as its model has, each a session and images of its own that are in memory.
   *
   * @param nanos how long
   * @return images per second; NaN where no file is an image that the network takes
   * @throws InterruptedException where the calling thread is interrupted
   */
  public double bareRate(List<Path> files, long nanos) throws InterruptedException {
    Shape shape = firstShape(files);
    List<Bare> threads = new ArrayList<>();
    for (int t = 0; t < model.options().threads(); t++) {
      threads.add(new Bare(files, shape, t, nanos));
    }
    inParallel(threads);
    return threads.stream().mapToDouble(b -> b.runs / (b.spent / 1e9)).sum();
  }

  /** The shape of the first file that the network takes, its plan made; null where there is none. */
  private Shape firstShape(List<Path> files) {
    for (Path file : files) {
      if (stopped.get()) {
        return null;
      }
      try {
        Shape shape = decoder.decode(file).shape();
        session(shape).close();
        return shape;
      } catch (IOException | TacetException | IllegalArgumentException e) {
        // Whoever comes to the file lists it.
      }
    }
    return null;
  }

  private Session session(Shape shape) {
    return model.session(Map.of(model.inputs().getFirst().name(), shape), Set.of());
  }

  private void inParallel(List<? extends Runnable> all) throws InterruptedException {
    List<RuntimeException> failures = new ArrayList<>();
    List<Thread> threads = new ArrayList<>();
    for (Runnable work : all) {
      threads.add(
          Thread.ofPlatform()
              .daemon()
              .name("tacet-survey-" + threads.size())
              .start(
                  () -> {
                    try {
                      work.run();
                    } catch (RuntimeException e) {
                      stop();
                      synchronized (failures) {
                        failures.add(e);
                      }
                    }
                  }));
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
  }

  private final class Worker implements Runnable {

    private final List<Path> files;
    private final Shape shape;
    private final AtomicInteger next;
    private final AtomicInteger done;
    private final boolean first;
    private final Start warming;
    private final SurveySum sum = new SurveySum(model.graph().source());
    private Session session;
    private long decoding;
    private long inference;
    private long accounting;

    Worker(
        List<Path> files,
        Shape shape,
        AtomicInteger next,
        AtomicInteger done,
        boolean first,
        Start warming) {
      this.files = files;
      this.shape = shape;
      this.next = next;
      this.done = done;
      this.first = first;
      this.warming = warming;
    }

    @Override
    public void run() {
      try {
        if (!first) {
          warming.await();
        }
        int i = next.getAndIncrement();
        while (i < files.size() && !stopped.get()) {
          long start = System.nanoTime();
          take(files.get(i));
          if (first) {
            warming.took(System.nanoTime() - start);
          }
          progress.accept(done.incrementAndGet());
          i = next.getAndIncrement();
        }
      } catch (InterruptedException e) {
        stop();
      } finally {
        if (first) {
          warming.end();
        }
        if (session != null) {
          session.close();
        }
      }
    }

    private void take(Path file) throws InterruptedException {
      try {
        long start = THREADS.getCurrentThreadCpuTime();
        Source source = decoder.decode(file);
        if (session == null) {
          session = session(shape == null ? source.shape() : shape);
        }
        if (!source.shape().equals(session.input().shape())) {
          sum.broken(file.toString(), "gives an input of another size than those before");
          return;
        }
        source.write(session.input());
        long decoded = THREADS.getCurrentThreadCpuTime();
        session.runAlone();
        long ran = THREADS.getCurrentThreadCpuTime();
        sum.add(session.profile());
        decoding += decoded - start;
        inference += ran - decoded;
        accounting += THREADS.getCurrentThreadCpuTime() - ran;
      } catch (IOException | TacetException | IllegalArgumentException e) {
        sum.broken(file.toString(), e.getMessage());
      }
    }
  }

  private final class Bare implements Runnable {

    private final List<Path> files;
    private final Shape shape;
    private final int first;
    private final long nanos;
    private long runs;
    private long spent;

    Bare(List<Path> files, Shape shape, int first, long nanos) {
      this.files = files;
      this.shape = shape;
      this.first = first;
      this.nanos = nanos;
    }

    @Override
    public void run() {
      List<Source> images = images();
      if (images.isEmpty()) {
        return;
      }
      try (Session session = session(shape)) {
        long end = System.nanoTime() + nanos;
        for (int i = 0; System.nanoTime() < end; i++) {
          images.get(i % images.size()).write(session.input());
          long start = System.nanoTime();
          session.runAlone();
          spent += System.nanoTime() - start;
          runs++;
        }
      } catch (InterruptedException e) {
        stop();
      }
    }

    private List<Source> images() {
      List<Source> images = new ArrayList<>();
      int threads = model.options().threads();
      for (int i = first; i < files.size() && images.size() < BARE_IMAGES; i += threads) {
        try {
          Source s = decoder.decode(files.get(i));
          if (s.shape().equals(shape)) {
            images.add(s);
          }
        } catch (IOException e) {
          // The survey lists it.
        }
      }
      return images;
    }
  }
}
