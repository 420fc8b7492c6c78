package tacet.plan;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import tacet.kernels.ZeroCounts.Kind;
import tacet.profile.LayerProfile.Counts;

/** Where a layer's counts come from, and what they are in the run under way: only of steps that are done. */
sealed interface CountSource {
  /** Counters number {@code counts}, of the stored value or of the one before the activation. */
  record OfStep(int counts, boolean before) implements CountSource {}

  /** The channels of several values, one after the other. */
  record Joined(List<CountSource> parts) implements CountSource {}

  /**
   * Channels taken together.
   *
   * @param channels number of channels that remain
   * @param apart whether those of one lie so many channels apart, and not one after the other
   */
  record Together(CountSource of, int channels, boolean apart) implements CountSource {}

  /**
   * Channels in another order.
   *
   * @param from for each channel, where it was
   */
  record Moved(CountSource of, int[] from) implements CountSource {}

  /**
   * Zeros around every plane besides.
   *
   * @param each how many in each channel, over the whole batch
   */
  record Padded(CountSource of, int channels, long each) implements CountSource {}

  /** Zeros of all channels. */
  static long zeros(Workspace w, CountSource source) {
    return switch (source) {
      case OfStep s -> w.counts[s.counts].total(s.before ? Kind.ZERO_BEFORE : Kind.ZERO);
      case Together t -> zeros(w, t.of);
      case Moved m -> zeros(w, m.of);
      case Padded p -> zeros(w, p.of) + p.channels * p.each;
      case Joined j -> {
        long sum = 0;
        for (CountSource part : j.parts) {
          sum += zeros(w, part);
        }
        yield sum;
      }
    };
  }

  /** Near zeros of all channels. */
  static long nearZeros(Workspace w, CountSource source, float threshold) {
    return switch (source) {
      case OfStep s -> w.counts[s.counts].total(s.before ? Kind.NEAR_ZERO_BEFORE : Kind.NEAR_ZERO);
      case Together t -> nearZeros(w, t.of, threshold);
      case Moved m -> nearZeros(w, m.of, threshold);
      case Padded p -> nearZeros(w, p.of, threshold) + (threshold > 0 ? p.channels * p.each : 0);
      case Joined j -> {
        long sum = 0;
        for (CountSource part : j.parts) {
          sum += nearZeros(w, part, threshold);
        }
        yield sum;
      }
    };
  }

  /** Zeros of one channel. */
  static long zeros(Workspace w, CountSource source, int channel) {
    return switch (source) {
      case OfStep s ->
          w.counts[s.counts].perChannel(s.before ? Kind.ZERO_BEFORE : Kind.ZERO)[channel];
      case Together t -> {
        int each = channels(w, t.of) / t.channels;
        long sum = 0;
        for (int i = 0; i < each; i++) {
          sum += zeros(w, t.of, t.apart ? i * t.channels + channel : channel * each + i);
        }
        yield sum;
      }
      case Moved m -> zeros(w, m.of, m.from[channel]);
      case Padded p -> zeros(w, p.of, channel) + p.each;
      case Joined j -> {
        int i = 0;
        int c = channel;
        for (int n = channels(w, j.parts.get(0)); c >= n; n = channels(w, j.parts.get(i))) {
          c -= n;
          i++;
        }
        yield zeros(w, j.parts.get(i), c);
      }
    };
  }

  /**
   * Of some channels, keeps those that have so many zeros: moves them to the front.
   *
   * @param numbers of the channels, in ascending order, and so in the end
   * @return how many are kept
   */
  static int keep(Workspace w, CountSource source, int[] numbers, int count, long zeros) {
    return keep(w, source, numbers, 0, count, 0, zeros, 0);
  }

  /**
   * @param from the first of those that the source has, {@code to} the one behind the last
   * @param base number of the source's first channel
   * @param kept how many have been kept before
   */
  private static int keep(
      Workspace w,
      CountSource source,
      int[] numbers,
      int from,
      int to,
      int base,
      long zeros,
      int kept) {
    return switch (source) {
      case OfStep s -> {
        long[] each = w.counts[s.counts].perChannel(s.before ? Kind.ZERO_BEFORE : Kind.ZERO);
        int n = kept;
        for (int i = from; i < to; i++) {
          if (each[numbers[i] - base] == zeros) {
            numbers[n++] = numbers[i];
          }
        }
        yield n;
      }
      case Padded p -> keep(w, p.of, numbers, from, to, base, zeros - p.each, kept);
      case Joined j -> {
        int n = kept;
        int begin = from;
        int first = base;
        for (CountSource part : j.parts) {
          int next = first + channels(w, part);
          int end = begin;
          while (end < to && numbers[end] < next) {
            end++;
          }
          n = keep(w, part, numbers, begin, end, first, zeros, n);
          begin = end;
          first = next;
        }
        yield n;
      }
      case Together _, Moved _ -> {
        int n = kept;
        for (int i = from; i < to; i++) {
          if (zeros(w, source, numbers[i] - base) == zeros) {
            numbers[n++] = numbers[i];
          }
        }
        yield n;
      }
    };
  }

  /** Number of channels. */
  static int channels(Workspace w, CountSource source) {
    return switch (source) {
      case OfStep s -> w.counts[s.counts].channels();
      case Together t -> t.channels;
      case Moved m -> m.from.length;
      case Padded p -> p.channels;
      case Joined j -> {
        int sum = 0;
        for (CountSource part : j.parts) {
          sum += channels(w, part);
        }
        yield sum;
      }
    };
  }

  /**
   * Channels that were all zero together with their neighbours in a vector.
   *
   * @param lanes channels per vector
   * @param pixels values per channel
   */
  static int deadChannels(Workspace w, CountSource source, int lanes, long pixels) {
    return switch (source) {
      case CountSource.OfStep s -> {
        long[] zeros = w.counts[s.counts()].perChannel(s.before() ? Kind.ZERO_BEFORE : Kind.ZERO);
        int dead = 0;
        for (int from = 0; from < zeros.length; from += lanes) {
          int to = Math.min(zeros.length, from + lanes);
          int c = from;
          while (c < to && zeros[c] == pixels) {
            c++;
          }
          dead += c == to ? to - from : 0;
        }
        yield dead;
      }
      // Their values are never read as images.
      case CountSource.Together _ -> 0;
      // Of which vectors are dead behind a shuffle nothing is said.
      case CountSource.Moved _ -> 0;
      case CountSource.Padded p -> deadChannels(w, p.of(), lanes, pixels - p.each());
      case CountSource.Joined j -> {
        int dead = 0;
        for (CountSource part : j.parts()) {
          dead += deadChannels(w, part, lanes, pixels);
        }
        yield dead;
      }
    };
  }

  /** All counts, per channel as well. */
  static Counts counts(Workspace w, CountSource source, long elements, float threshold) {
    return switch (source) {
      case CountSource.OfStep s when s.before() ->
          new Counts(
              elements,
              w.counts[s.counts()].total(Kind.ZERO_BEFORE),
              w.counts[s.counts()].total(Kind.NEAR_ZERO_BEFORE),
              w.counts[s.counts()].total(Kind.NEGATIVE_BEFORE),
              w.counts[s.counts()].perChannel(Kind.ZERO_BEFORE).clone());
      case CountSource.OfStep s ->
          new Counts(
              elements,
              w.counts[s.counts()].total(Kind.ZERO),
              w.counts[s.counts()].total(Kind.NEAR_ZERO),
              w.counts[s.counts()].total(Kind.NEGATIVE),
              w.counts[s.counts()].perChannel(Kind.ZERO).clone());
      case CountSource.Moved m -> {
        Counts c = counts(w, m.of(), elements, threshold);
        long[] zeros = new long[m.from().length];
        for (int i = 0; i < zeros.length; i++) {
          zeros[i] = c.zerosPerChannel()[m.from()[i]];
        }
        yield new Counts(elements, c.zeros(), c.nearZeros(), c.negatives(), zeros);
      }
      case CountSource.Together t -> {
        Counts c = counts(w, t.of(), elements, threshold);
        long[] all = c.zerosPerChannel();
        long[] zeros = new long[t.channels()];
        int each = all.length / zeros.length;
        for (int i = 0; i < all.length; i++) {
          zeros[t.apart() ? i % zeros.length : i / each] += all[i];
        }
        yield new Counts(elements, c.zeros(), c.nearZeros(), c.negatives(), zeros);
      }
      case CountSource.Padded p -> {
        Counts c = counts(w, p.of(), elements, threshold);
        long added = p.channels() * p.each();
        yield new Counts(
            elements,
            c.zeros() + added,
            c.nearZeros() + (threshold > 0 ? added : 0),
            c.negatives(),
            Arrays.stream(c.zerosPerChannel()).map(zeros -> zeros + p.each()).toArray());
      }
      case CountSource.Joined j -> {
        long zeros = 0;
        long near = 0;
        long negative = 0;
        int count = 0;
        List<long[]> channels = new ArrayList<>();
        for (CountSource part : j.parts()) {
          Counts c = counts(w, part, 0, threshold);
          zeros += c.zeros();
          near += c.nearZeros();
          negative += c.negatives();
          channels.add(c.zerosPerChannel());
          count += c.channels();
        }
        long[] all = new long[count];
        int at = 0;
        for (long[] part : channels) {
          System.arraycopy(part, 0, all, at, part.length);
          at += part.length;
        }
        yield new Counts(elements, zeros, near, negative, all);
      }
    };
  }
}
