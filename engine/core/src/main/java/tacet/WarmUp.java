package tacet;

import java.time.Duration;

/**
 * How a model came to full speed.
 *
 * @param runs inferences it took
 * @param elapsed time it took
 * @param first time of the first inference, making the plan included
 * @param steady median time of the last inferences
 * @param reached whether the times had stopped falling; otherwise the time was up first
 */
public record WarmUp(
    int runs, Duration elapsed, Duration first, Duration steady, boolean reached) {}
