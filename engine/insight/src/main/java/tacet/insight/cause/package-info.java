/**
 * Why values are zero. {@link tacet.insight.cause.Analysis} runs a network on images and on altered images,
 * {@link tacet.insight.cause.Partition} gives every zero exactly one cause, and one class per cause says what it found.
 */
package tacet.insight.cause;
