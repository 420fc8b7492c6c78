package tacet.plan;

/** A stretch of a workspace while a plan is made: how large, and between which steps it is in use. */
final class Buffer {
  final long bytes;
  int firstStep;
  int lastStep;

  /** Byte offset in the workspace; decided when all lifetimes are known. */
  long offset = -1;

  Buffer(long bytes, int firstStep) {
    this.bytes = bytes;
    this.firstStep = firstStep;
    this.lastStep = firstStep;
  }

  /** Keeps the buffer until {@code step} is done. */
  void usedAt(int step) {
    lastStep = Math.max(lastStep, step);
    firstStep = Math.min(firstStep, step);
  }
}
