package tacet.error;

import java.util.List;
import java.util.stream.Collectors;

/** A model that asks for operators, versions or attributes that Tacet does not have; all of them are listed. */
public final class UnsupportedOpException extends TacetException {
  private static final long serialVersionUID = 1L;

  private final transient List<Unsupported> all;

  /**
   * One thing that is not supported.
   *
   * @param node the node's name
   * @param op operator, with its version where that matters ({@code "Resize-19"})
   * @param reason the attribute, type or form that is missing
   */
  public record Unsupported(String node, String op, String reason) {
    @Override
    public String toString() {
      return "node " + node + " (" + op + "): " + reason;
    }
  }

  public UnsupportedOpException(String file, List<Unsupported> all) {
    super(
        file + ": " + all.stream().map(Unsupported::toString).collect(Collectors.joining("; ")),
        null);
    this.all = List.copyOf(all);
  }

  /** Everything that is unsupported in the model, in the order of its nodes. */
  public List<Unsupported> all() {
    return all;
  }
}
