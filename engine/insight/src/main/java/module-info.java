/** Images in, feature maps out, and where the zeros come from. */
module tacet.insight {
  requires transitive tacet;
  requires transitive java.desktop;
  requires java.management;

  exports tacet.insight;
  exports tacet.insight.cause;
  exports tacet.insight.file;
  exports tacet.insight.image;
  exports tacet.insight.npy;
  exports tacet.insight.report;
  exports tacet.insight.survey;
}
