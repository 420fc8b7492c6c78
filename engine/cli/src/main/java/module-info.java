/** The tacet command. */
module tacet.cli {
  requires tacet;
  requires tacet.insight;
  requires tacet.onnx;
  requires tacet.keras;
  requires info.picocli;
  requires me.tongfei.progressbar;
  requires jdk.jfr;
  requires com.fasterxml.jackson.core;
  // Kernels use it where it is there; the command always brings it.
  requires jdk.incubator.vector;

  exports tacet.cli;

  uses tacet.cli.Subcommand;

  opens tacet.cli to
      info.picocli;
}
