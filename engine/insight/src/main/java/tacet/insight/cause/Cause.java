package tacet.insight.cause;

import java.util.List;
import tacet.insight.Finding;

/** One reason why values may be zero, and what was found out about it. */
interface Cause {

  /**
   * What was found.
   *
   * @param partition every zero with its cause
   */
  List<Finding> findings(Partition partition);

  /** A cause that can make a whole unit silent. */
  interface OfUnits extends Cause {

    Kind kind();

    /** Whether it is the cause of all zeros of a unit; asked in the order of {@link Kind}, the first one has them. */
    boolean claims(Network.Cut cut, int unit);
  }
}
