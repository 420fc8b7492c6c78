package tacet.plan;

import java.util.HashMap;
import java.util.Map;
import tacet.kernels.ImageLayout;
import tacet.kernels.ImageLayout.Halo;
import tacet.kernels.KernelProvider.FlattenOrder;
import tacet.kernels.pack.Reorder;
import tacet.reference.TensorType;
import tacet.tensor.Shape;
import tacet.tensor.Tensor;

/** Where every value lies, and copies of it in other layouts, each made once for all who need it. */
final class Places {

  private final TypedGraph net;
  private final ImageNeeds needs;
  private final Draft draft;

  /** Channels of a block in the kernels' layout. */
  private final int lanes;

  private final Map<String, Placement> places = new HashMap<>();
  private final Map<String, Placement.Plain> plainCopies = new HashMap<>();
  private final Map<String, Placement.Image> imageCopies = new HashMap<>();
  private final Map<String, Placement.Image> constantImages = new HashMap<>();

  Places(TypedGraph net, ImageNeeds needs, Draft draft, int lanes) {
    this.net = net;
    this.needs = needs;
    this.draft = draft;
    this.lanes = lanes;
  }

  boolean has(String value) {
    return places.containsKey(value);
  }

  /** Null where a value has no place yet. */
  Placement get(String value) {
    return places.get(value);
  }

  void put(String value, Placement place) {
    places.put(value, place);
  }

  void remove(String value) {
    places.remove(value);
  }

  /** Room for a row-major value. */
  Placement.Plain plain(TensorType t) {
    return new Placement.Plain(
        draft.buffer(Tensor.byteSize(t.type(), t.shape())), t.type(), t.shape());
  }

  /** Where a kernel is to write a value; makes room for a whole concatenation where the value is part of one. */
  Placement.Image output(
      String value, int n, int c, int h, int w, boolean dense, boolean channelsLast) {
    if (places.get(value) instanceof Placement.Image known) {
      return known;
    }
    ImageNeeds.Slice slice = needs.slice(value);
    Placement.Image image;
    if (slice != null && (!dense || needs.halo(needs.root(value)).isNone())) {
      Shape whole = net.shape(slice.whole());
      image =
          part(
              output(slice.whole(), n, whole.intDim(1), h, w, dense, channelsLast),
              slice.firstChannel(),
              c);
    } else {
      Halo halo = dense ? Halo.NONE : needs.halo(value);
      image = freshImage(n, c, h, w, lanes, halo, channelsLast);
    }
    places.put(value, image);
    return image;
  }

  /** Where the planes of a network's input are to be written, channels first. */
  Placement.Image planes(String value, int n, int c, int h, int w) {
    Placement.Image image = freshImage(n, c, h, w, 1, needs.halo(needs.root(value)), false);
    places.put(value, image);
    return image;
  }

  private Placement.Image freshImage(
      int n, int c, int h, int w, int lanes, Halo halo, boolean channelsLast) {
    ImageLayout layout = ImageLayout.of(n, c, h, w, lanes, halo);
    Placement.Image image =
        new Placement.Image(
            draft.buffer(layout.bytes()), layout, layout.origin(halo), halo, channelsLast);
    if (!halo.isNone()) {
      draft.add(new Steps.ClearHalo(image));
      image.buffer().usedAt(draft.step());
    }
    return image;
  }

  /** Some of an image's channels, whole blocks of them. */
  static Placement.Image part(Placement.Image whole, int firstChannel, int channels) {
    ImageLayout l = whole.layout();
    ImageLayout layout =
        new ImageLayout(
            l.batch(),
            channels,
            l.height(),
            l.width(),
            l.lanes(),
            l.rowStride(),
            l.blockStride(),
            l.batchStride());
    return new Placement.Image(
        whole.buffer(),
        layout,
        whole.offset() + firstChannel / l.lanes() * l.blockStride(),
        whole.halo(),
        whole.channelsLast());
  }

  /**
   * A value as an image with at least this halo.
   *
   * @param blocked whether it must be in the providers' blocked layout
   * @return null where the value is no float32 image or matrix
   */
  Placement.Image image(String value, Halo halo, boolean blocked) {
    if (!net.isFloat(value)) {
      return null;
    }
    Placement p = places.get(value);
    if (p == null) {
      return null;
    }
    Placement.Image image;
    if (p instanceof Placement.Image i) {
      image = i;
    } else {
      Placement.Plain plain =
          p instanceof Placement.Flattened ? plainOf(value) : (Placement.Plain) p;
      image = asImage(plain);
      if (image == null) {
        return null;
      }
    }
    image.buffer().usedAt(draft.step());
    if (image.hasHalo(halo) && (!blocked || image.layout().lanes() == lanes)) {
      return image;
    }
    String key = needs.home(value) + "/" + image.channelsLast() + "/" + blocked;
    Placement.Image copy = imageCopies.get(key);
    if (copy == null || !copy.hasHalo(halo)) {
      ImageLayout l = image.layout();
      // Few channels would be mostly padding in blocks.
      int target = blocked || l.channels() > lanes / 2 ? lanes : 1;
      Halo all = halo.union(needs.halo(needs.root(needs.home(value))));
      copy =
          freshImage(
              l.batch(), l.channels(), l.height(), l.width(), target, all, image.channelsLast());
      image.buffer().usedAt(draft.step());
      copy.buffer().usedAt(draft.step());
      draft.add(new Steps.CopyImage(image, copy));
      imageCopies.put(key, copy);
    }
    copy.buffer().usedAt(draft.step());
    return copy;
  }

  /**
   * An image without room between its rows and planes, or with exactly the room of {@code padding}, in blocks or row-major:
   * as it is, or copied once for all who need it so.
   */
  Placement.Image compact(String value, Placement.Image image, Halo padding) {
    ImageLayout l = image.layout();
    boolean ordered = l.lanes() == 1 || l.lanes() == lanes;
    if (ordered && (l.isDense() || l.hasRoomOf(padding) && image.halo().equals(padding))) {
      return image;
    }
    int target = ordered ? l.lanes() : lanes;
    String key = needs.home(value) + "/" + image.channelsLast() + "/" + target + "/dense";
    Placement.Image copy = imageCopies.get(key);
    if (copy == null) {
      copy =
          freshImage(
              l.batch(),
              l.channels(),
              l.height(),
              l.width(),
              target,
              Halo.NONE,
              image.channelsLast());
      image.buffer().usedAt(draft.step());
      draft.add(new Steps.CopyImage(image, copy));
      imageCopies.put(key, copy);
    }
    copy.buffer().usedAt(draft.step());
    return copy;
  }

  /** A row-major image or matrix as it lies. */
  private static Placement.Image asImage(Placement.Plain p) {
    Shape s = p.shape();
    if (s.elements() == 0 || (s.rank() != 4 && s.rank() != 2)) {
      return null;
    }
    ImageLayout layout =
        s.rank() == 4
            ? Reorder.channelsFirst(s.intDim(0), s.intDim(1), s.intDim(2), s.intDim(3))
            : Reorder.channelsFirst(s.intDim(0), s.intDim(1), 1, 1);
    return new Placement.Image(p.buffer(), layout, 0, Halo.NONE, false);
  }

  /** A value row-major, in its own shape. */
  Placement.Plain plainOf(String value) {
    Placement p = places.get(value);
    if (p instanceof Placement.Plain plain) {
      plain.buffer().usedAt(draft.step());
      return plain;
    }
    Placement.Plain copy = plainCopies.get(value);
    if (copy == null) {
      copy = plain(net.type(value));
      Placement.Image image;
      ImageLayout l;
      ImageLayout to;
      if (p instanceof Placement.Flattened flat) {
        image = flat.image();
        l = image.layout();
        to =
            flat.order() == FlattenOrder.NHWC
                ? Reorder.channelsLast(l.batch(), l.channels(), l.height(), l.width())
                : Reorder.channelsFirst(l.batch(), l.channels(), l.height(), l.width());
      } else {
        image = (Placement.Image) p;
        l = image.layout();
        to = doorLayout(image);
      }
      image.buffer().usedAt(draft.step());
      copy.buffer().usedAt(draft.step());
      draft.add(
          new Steps.CopyImage(image, new Placement.Image(copy.buffer(), to, 0, Halo.NONE, false)));
      plainCopies.put(value, copy);
    }
    copy.buffer().usedAt(draft.step());
    return copy;
  }

  /** The row-major layout of the value that an image stands for. */
  static ImageLayout doorLayout(Placement.Image image) {
    ImageLayout l = image.layout();
    return image.channelsLast()
        ? Reorder.channelsLast(l.batch(), l.channels(), l.height(), l.width())
        : Reorder.channelsFirst(l.batch(), l.channels(), l.height(), l.width());
  }

  /** A value per channel, as an image of one pixel. */
  Placement.Image constantImage(String key, float[] values) {
    Placement.Image known = constantImages.get(key);
    if (known == null) {
      ImageLayout layout = ImageLayout.of(1, values.length, 1, 1, lanes, Halo.NONE);
      // Written once per workspace, so nothing else may lie there.
      Buffer buffer = draft.buffer(layout.bytes());
      buffer.usedAt(-1);
      buffer.usedAt(Integer.MAX_VALUE);
      known = new Placement.Image(buffer, layout, 0, Halo.NONE, false);
      draft.preset(new Plan.Preset(buffer, layout, values));
      constantImages.put(key, known);
    }
    return known;
  }
}
