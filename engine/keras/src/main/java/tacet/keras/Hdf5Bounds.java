package tacet.keras;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.HashSet;
import java.util.Set;
import tacet.error.ModelFormatException;

/**
 * Refuses HDF5 structures whose reading could cost far more than their size: trees that share branches, so that each level
 * doubles the visits, and dense storage, whose sizes are only declared. Keras' files have neither. (HDF5 File Format
 * Specification 3.0, sections III.A.1, III.A.2 and III.G.)
 */
final class Hdf5Bounds {

  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private static final int TREE = signature("TREE");
  private static final int DENSE_TREE = signature("BTHD");
  private static final int DENSE_HEAP = signature("FRHP");

  /** Where versions 0 and 1 of the superblock, and later ones, say how wide addresses and lengths are. */
  private static final int OLD_WIDTHS = 13;

  private static final int NEW_WIDTHS = 9;
  private static final int ADDRESS = 8;
  private static final int NODE_HEADER = 24;

  private Hdf5Bounds() {}

  private static int signature(String s) {
    return s.charAt(0) | s.charAt(1) << 8 | s.charAt(2) << 16 | s.charAt(3) << 24;
  }

  /**
   * @param content the whole file, at least 16 bytes
   * @throws ModelFormatException where the file has such structures, or addresses that are not of 8 bytes
   */
  static void check(String file, MemorySegment content) {
    int version = content.get(ValueLayout.JAVA_BYTE, 8);
    int widths = version < 2 ? OLD_WIDTHS : NEW_WIDTHS;
    if (content.get(ValueLayout.JAVA_BYTE, widths) != ADDRESS
        || content.get(ValueLayout.JAVA_BYTE, widths + 1) != ADDRESS) {
      throw new ModelFormatException(
          file, "HDF5 superblock", "expected addresses and lengths of 8 bytes");
    }
    Set<Long> children = new HashSet<>();
    long end = content.byteSize() - NODE_HEADER;
    for (long at = 0; at < end; at++) {
      int word = content.get(INT, at);
      if (word == TREE) {
        tree(file, content, at, children);
      } else if ((word == DENSE_TREE || word == DENSE_HEAP)
          && content.get(ValueLayout.JAVA_BYTE, at + 4) == 0
          && isDense(content, at, word)) {
        throw new ModelFormatException(
            file, "HDF5, byte " + at, "groups or attributes in dense storage, as Keras has none");
      }
    }
  }

  /** Weights may hold the same four bytes by chance, but not also what follows them. */
  private static boolean isDense(MemorySegment content, long at, int word) {
    // A heap without filters, the only kind that can be read; a tree of one of the eleven types.
    return word == DENSE_HEAP
        ? content.get(SHORT, at + 7) == 0 && content.get(SHORT, at + 5) > 0
        : content.get(ValueLayout.JAVA_BYTE, at + 5) <= 11
            && content.get(ValueLayout.JAVA_BYTE, at + 5) >= 0
            && content.get(INT, at + 6) > 0;
  }

  /** An inner node of a group's B-tree: no node may have two parents. */
  private static void tree(String file, MemorySegment content, long at, Set<Long> children) {
    int type = content.get(ValueLayout.JAVA_BYTE, at + 4);
    int level = content.get(ValueLayout.JAVA_BYTE, at + 5);
    if (type != 0 || level == 0) {
      return;
    }
    int entries = Short.toUnsignedInt(content.get(SHORT, at + 6));
    for (int i = 0; i < entries; i++) {
      // A key before each child.
      long pointer = at + NODE_HEADER + (2L * i + 1) * ADDRESS;
      if (pointer + ADDRESS > content.byteSize()) {
        return;
      }
      long child = content.get(LONG, pointer);
      boolean isNode =
          child >= 0
              && child <= content.byteSize() - Integer.BYTES
              && content.get(INT, child) == TREE;
      if (isNode && !children.add(child)) {
        throw new ModelFormatException(
            file, "HDF5, byte " + at, "a B-tree whose node at byte " + child + " has two parents");
      }
    }
  }
}
