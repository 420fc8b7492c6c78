/**
 * Images in, pictures of feature maps out: decoding, resizing and normalising of photos, and grids
 * that show what a layer answered.
 */
package tacet.insight.image;
