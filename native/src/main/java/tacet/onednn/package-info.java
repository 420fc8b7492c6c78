/** oneDNN, reached through JavaCPP, as one more provider of kernels. It declines what it cannot do fast. */
package tacet.onednn;
