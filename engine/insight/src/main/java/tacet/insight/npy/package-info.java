/** NumPy's {@code .npy} array files, read and written. */
package tacet.insight.npy;
