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
   * @param seconds from the first image to the last, without those of the network alone; the plan is made before
   * @param startSeconds part of them in which one worker ran alone while code was compiled
   * @param startImages files taken in that time
   * @param decoding processor seconds of reading, decoding and preparing images, over all workers
   * @param inference processor seconds of running the network
   * @param accounting processor seconds of adding counts up
   * @param bareRate images per second of the network alone; NaN where that was not measured
   */
  public record Times(
      double seconds,
      double startSeconds,
      int startImages,
      double decoding,
      double inference,
      double accounting,
      double bareRate) {

    /** All processor seconds. */
    public double processor() {
      return decoding + inference + accounting;
    }
  }

  /** A survey that is compared with the network alone takes turns with it: other work on the machine then falls on both. */
  private static final long TURN_NANOS = 8_000_000_000L;

  private static final long BARE_TURN_NANOS = 2_000_000_000L;

  /** Images that the network alone is run on, per thread. */
  private static final int BARE_IMAGES = 8;

  private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

  private final Model model;
  private final Decoder decoder;
  private final IntConsumer progress;
  private final AtomicBoolean stopped = new AtomicBoolean();
  private Times times = new Times(0, 0, 0, 0, 0, 0, Double.NaN);

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
    return run(files, false);
  }

  /**
   * The same in turns with the network alone, which runs on as many threads as the model has, each with a session and images
   * of its own that are in memory: {@link Times#bareRate}.
   *
   * @throws InterruptedException where the calling thread is interrupted
   */
  public Survey runBeside(List<Path> files) throws InterruptedException {
    return run(files, true);
  }

  private Survey run(List<Path> files, boolean beside) throws InterruptedException {
    Shape shape = firstShape(files);
    Queue queue = new Queue(files, shape, beside ? TURN_NANOS : Long.MAX_VALUE);
    List<Worker> workers = new ArrayList<>();
    List<Bare> bare = new ArrayList<>();
    int threads = model.options().threads();
    int spare = Runtime.getRuntime().availableProcessors() - threads;
    int most = Math.min(files.size(), threads + Math.clamp(spare, 0, threads));
    for (int w = 0; w < Math.max(1, most); w++) {
      workers.add(new Worker(queue, w == 0));
    }
    double seconds = 0;
    try {
      do {
        queue.beginTurn();
        long start = System.nanoTime();
        inParallel(workers);
        seconds += (System.nanoTime() - start) / 1e9;
        if (beside && shape != null && !stopped.get()) {
          for (int t = bare.size(); t < threads; t++) {
            bare.add(new Bare(files, shape, t));
          }
          inParallel(bare);
        }
      } while (!queue.isOver());
    } finally {
      workers.forEach(Worker::close);
      bare.forEach(Bare::close);
    }
    Survey sum = Survey.empty(model.graph().source());
    double[] spent = new double[3];
    for (Worker w : workers) {
      sum = sum.plus(w.sum.survey());
      spent[0] += w.decoding / 1e9;
      spent[1] += w.inference / 1e9;
      spent[2] += w.accounting / 1e9;
    }
    double bareRate = bare.isEmpty() ? Double.NaN : bare.stream().mapToDouble(Bare::rate).sum();
    Start warming = queue.warming;
    times =
        new Times(
            seconds,
            warming.nanos() / 1e9,
            warming.images(),
            spent[0],
            spent[1],
            spent[2],
            bareRate);
    return queue.done.get() < files.size() ? sum.incomplete() : sum;
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

  /** The files, of which workers take one after another until a turn is over. */
  private final class Queue {

    private final List<Path> files;
    private final Shape shape;
    private final long turnNanos;
    private final AtomicInteger next = new AtomicInteger();
    private final AtomicInteger done = new AtomicInteger();
    private final Start warming = new Start();
    private volatile long turnBegan;

    Queue(List<Path> files, Shape shape, long turnNanos) {
      this.files = files;
      this.shape = shape;
      this.turnNanos = turnNanos;
    }

    void beginTurn() {
      turnBegan = System.nanoTime();
    }

    /** The next file; null where there is none, or none in this turn. */
    Path take() {
      if (stopped.get() || System.nanoTime() - turnBegan > turnNanos) {
        return null;
      }
      int i = next.getAndIncrement();
      return i < files.size() ? files.get(i) : null;
    }

    boolean isOver() {
      return stopped.get() || next.get() >= files.size();
    }
  }

  private final class Worker implements Runnable {

    private final Queue queue;
    private final boolean first;
    private final SurveySum sum = new SurveySum(model.graph().source());
    private Session session;
    private long decoding;
    private long inference;
    private long accounting;

    Worker(Queue queue, boolean first) {
      this.queue = queue;
      this.first = first;
    }

    @Override
    public void run() {
      try {
        if (!first) {
          queue.warming.await();
        }
        for (Path file = queue.take(); file != null; file = queue.take()) {
          long start = System.nanoTime();
          take(file);
          if (first) {
            queue.warming.took(System.nanoTime() - start);
          }
          progress.accept(queue.done.incrementAndGet());
        }
      } catch (InterruptedException e) {
        stop();
      } finally {
        if (first) {
          queue.warming.end();
        }
      }
    }

    void close() {
      if (session != null) {
        session.close();
      }
    }

    private void take(Path file) throws InterruptedException {
      try {
        long start = THREADS.getCurrentThreadCpuTime();
        Source source = decoder.decode(file);
        if (session == null) {
          session = session(queue.shape == null ? source.shape() : queue.shape);
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

  /** The network on one thread with images that are in memory. */
  private final class Bare implements Runnable {

    private final List<Source> images = new ArrayList<>();
    private final Session session;
    private long runs;
    private long nanos;

    /**
     * @param number of the thread, so that each has images of its own
     */
    Bare(List<Path> files, Shape shape, int number) {
      int threads = model.options().threads();
      for (int i = number; i < files.size() && images.size() < BARE_IMAGES; i += threads) {
        try {
          Source s = decoder.decode(files.get(i));
          if (s.shape().equals(shape)) {
            images.add(s);
          }
        } catch (IOException | IllegalArgumentException e) {
          // The survey lists it.
        }
      }
      session = session(shape);
    }

    /** One turn. */
    @Override
    public void run() {
      try {
        long began = System.nanoTime();
        while (!images.isEmpty() && !stopped.get() && System.nanoTime() - began < BARE_TURN_NANOS) {
          images.get((int) (runs % images.size())).write(session.input());
          long start = System.nanoTime();
          session.runAlone();
          nanos += System.nanoTime() - start;
          runs++;
        }
      } catch (InterruptedException e) {
        stop();
      }
    }

    /** Images per second. */
    double rate() {
      return runs == 0 ? 0 : runs / (nanos / 1e9);
    }

    void close() {
      session.close();
    }
  }
}
