package tacet.profile;

import tacet.tensor.Shape;

/**
 * What was observed of one layer in one or more runs. Counts are exact and add up.
 *
 * @param name the layer's name in the model
 * @param op its operator
 * @param value name of the value it makes
 * @param outputShape shape of that value as the model's author sees it
 * @param kernel kernel that computed it
 * @param backend provider of the kernel
 * @param reason why that kernel
 * @param nanoseconds time of the kernel, on the first of the layers that one kernel computes; 0 on the others
 * @param multiplyAdds multiply-adds by the operator's definition; 0 where it has none
 * @param counts what was counted, or null where the value is never formed
 * @param skipping what was saved by passing over zero inputs, or null where this layer's kernel cannot
 */
public record LayerProfile(
    String name,
    String op,
    String value,
    Shape outputShape,
    String kernel,
    String backend,
    String reason,
    long nanoseconds,
    long multiplyAdds,
    Counts counts,
    Skipping skipping) {

  /** The same layer with these counts. */
  public LayerProfile withCounts(Counts other) {
    return new LayerProfile(
        name,
        op,
        value,
        outputShape,
        kernel,
        backend,
        reason,
        nanoseconds,
        multiplyAdds,
        other,
        skipping);
  }

  /** The same layer with this time. */
  public LayerProfile withNanoseconds(long time) {
    return new LayerProfile(
        name,
        op,
        value,
        outputShape,
        kernel,
        backend,
        reason,
        time,
        multiplyAdds,
        counts,
        skipping);
  }

  /**
   * What passing over zero inputs saved.
   *
   * @param multiplyAdds left out, of the layer's {@link LayerProfile#multiplyAdds}
   * @param denseNanoseconds expected time of the dense kernel
   * @param expectedNanoseconds expected time of the kernel that was chosen
   */
  public record Skipping(long multiplyAdds, double denseNanoseconds, double expectedNanoseconds) {

    /** How many times as fast as the dense kernel the chosen one is expected to be. */
    public double predictedSpeedup() {
      return expectedNanoseconds == 0 ? 1 : denseNanoseconds / expectedNanoseconds;
    }

    /** The sum of both. */
    public Skipping plus(Skipping o) {
      return new Skipping(
          multiplyAdds + o.multiplyAdds,
          denseNanoseconds + o.denseNanoseconds,
          expectedNanoseconds + o.expectedNanoseconds);
    }
  }

  /**
   * Zeros of one value.
   *
   * @param elements logical elements, padding excluded
   * @param zeros elements that are zero, of either sign
   * @param nearZeros elements with |x| &lt; τ
   * @param negatives elements below zero
   * @param zerosPerChannel zeros per channel
   * @param detail a closer look, or null where none was asked for
   */
  public record Counts(
      long elements,
      long zeros,
      long nearZeros,
      long negatives,
      long[] zerosPerChannel,
      Detail detail) {

    /** Counts without a closer look. */
    public Counts(
        long elements, long zeros, long nearZeros, long negatives, long[] zerosPerChannel) {
      this(elements, zeros, nearZeros, negatives, zerosPerChannel, null);
    }

    /** The same counts with a closer look at the same elements. */
    public Counts with(Detail closer) {
      return new Counts(elements, zeros, nearZeros, negatives, zerosPerChannel, closer);
    }

    /** Share of zeros; 0 of nothing. */
    public double zeroFraction() {
      return elements == 0 ? 0 : (double) zeros / elements;
    }

    /** Share of near zeros; 0 of nothing. */
    public double nearZeroFraction() {
      return elements == 0 ? 0 : (double) nearZeros / elements;
    }

    public int channels() {
      return zerosPerChannel.length;
    }

    /** Channels without any value but zero. */
    public int deadChannels() {
      if (zerosPerChannel.length == 0 || elements == 0) {
        return 0;
      }
      long perChannel = elements / zerosPerChannel.length;
      int dead = 0;
      for (long z : zerosPerChannel) {
        dead += z == perChannel ? 1 : 0;
      }
      return dead;
    }

    /**
     * The counts of both.
     *
     * @throws IllegalArgumentException where the channels differ
     */
    public Counts plus(Counts o) {
      if (o.zerosPerChannel.length != zerosPerChannel.length) {
        throw new IllegalArgumentException("counts of different layers");
      }
      long[] sum = zerosPerChannel.clone();
      for (int i = 0; i < sum.length; i++) {
        sum[i] += o.zerosPerChannel[i];
      }
      return new Counts(
          elements + o.elements,
          zeros + o.zeros,
          nearZeros + o.nearZeros,
          negatives + o.negatives,
          sum,
          detail == null || o.detail == null ? null : detail.plus(o.detail));
    }
  }
}
