package tacet.plan;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import tacet.graph.Node;
import tacet.graph.Op;
import tacet.kernels.ConvSpec;
import tacet.kernels.ImageLayout.Halo;

/**
 * What is known of images before any is placed: which are views of others, which their makers can write into a
 * concatenation, and how much room around them the convolutions that read them want.
 */
final class ImageNeeds {

  /** A place within the concatenated image for one of its parts. */
  record Slice(String whole, int firstChannel) {}

  static final List<Integer> TO_CHANNELS_LAST = List.of(0, 2, 3, 1);
  static final List<Integer> TO_CHANNELS_FIRST = List.of(0, 3, 1, 2);

  private final TypedGraph net;
  private final Map<String, Slice> slices = new HashMap<>();
  private final Map<String, Halo> halos = new HashMap<>();
  private final Map<String, String> aliases = new HashMap<>();
  private final Set<String> turned = new HashSet<>();

  private ImageNeeds(TypedGraph net) {
    this.net = net;
  }

  /** Of a graph that the reference implementation computes alone: images are of no use to it. */
  static ImageNeeds ofReference(TypedGraph net) {
    ImageNeeds needs = new ImageNeeds(net);
    needs.findAliases();
    return needs;
  }

  static ImageNeeds of(TypedGraph net, ProviderOrder order) {
    ImageNeeds needs = new ImageNeeds(net);
    needs.findAliases();
    needs.findSlices(order.simd().lanes());
    needs.findHalos(order);
    return needs;
  }

  boolean isAlias(String value) {
    return aliases.containsKey(value);
  }

  /** Where in a concatenation a value is made, or null. */
  Slice slice(String value) {
    return slices.get(value);
  }

  /** Room wanted around a value. */
  Halo halo(String value) {
    return halos.getOrDefault(value, Halo.NONE);
  }

  private void findAliases() {
    for (Node n : net.graph().nodes()) {
      boolean alias =
          switch (n.op()) {
            case Op.Identity _ -> !n.hasOutput(1);
            case Op.Transpose t ->
                t.permutation().equals(TO_CHANNELS_LAST)
                    || t.permutation().equals(TO_CHANNELS_FIRST);
            default -> false;
          };
      if (alias && net.isFloat(n.input(0))) {
        aliases.put(n.output(0), home(n.input(0)));
        if (n.op() instanceof Op.Transpose t && t.permutation().equals(TO_CHANNELS_FIRST)) {
          turned.add(home(n.input(0)));
        }
      }
    }
  }

  /** Whether a value is also seen with its last axis as the second: then its channels are there. */
  boolean isTurned(String value) {
    return turned.contains(home(value));
  }

  /** The value that this one is a view of, or itself. */
  String home(String value) {
    return aliases.getOrDefault(value, value);
  }

  /** Parts of a concatenation that their makers can write in place: all but the last must fill whole blocks. */
  private void findSlices(int lanes) {
    Map<String, Node> producers = net.graph().producers();
    for (Node n : net.graph().nodes()) {
      if (!(n.op() instanceof Op.Concat) || !joinsBlocks(n, lanes)) {
        continue;
      }
      int channel = 0;
      for (String part : n.inputs()) {
        Node maker = producers.get(part);
        if (maker != null
            && !slices.containsKey(part)
            && !aliases.containsKey(part)
            && makesImages(maker, lanes)
            && n.inputs().indexOf(part) == n.inputs().lastIndexOf(part)) {
          slices.put(part, new Slice(n.output(0), channel));
        }
        channel += net.shape(part).intDim(1);
      }
    }
  }

  /** Whether a concatenation is of images along channels. */
  boolean joinsImages(Node concat) {
    int axis = ((Op.Concat) concat.op()).axis();
    return net.isImage(concat.output(0)) && (axis < 0 ? axis + 4 : axis) == 1;
  }

  /** Whether a concatenation is of images along channels, and all but the last fill whole blocks. */
  boolean joinsBlocks(Node concat, int lanes) {
    if (!joinsImages(concat)) {
      return false;
    }
    for (int i = 0; i < concat.inputs().size() - 1; i++) {
      if (net.shape(concat.input(i)).dim(1) % lanes != 0) {
        return false;
      }
    }
    return true;
  }

  private boolean makesImages(Node n, int lanes) {
    return switch (n.op()) {
      case Op.Conv _ -> net.convolution(n) != null;
      case Op.Pool p -> p.kind() != Op.PoolKind.LP && !n.hasOutput(1) && net.isImage(n.input(0));
      case Op.Concat _ -> joinsBlocks(n, lanes);
      default -> false;
    };
  }

  /** From the last node to the first: what readers of a padded image want lies around its padding. */
  private void findHalos(ProviderOrder order) {
    for (Node n : net.graph().nodes().reversed()) {
      Halo halo =
          switch (n.op()) {
            case Op.Conv _ -> {
              ConvSpec spec = net.convolution(n);
              yield spec == null ? null : order.candidates(n).getFirst().needs(spec).halo();
            }
            case Op.Pad _ -> {
              Halo padding = net.padding(n);
              yield padding == null ? null : padding.plus(halo(root(home(n.output(0)))));
            }
            default -> null;
          };
      if (halo != null) {
        halos.merge(root(home(n.input(0))), halo, Halo::union);
      }
    }
  }

  /** The outermost concatenation that a value is written into, or the value itself. */
  String root(String value) {
    Slice s = slices.get(value);
    return s == null ? value : root(s.whole());
  }
}
