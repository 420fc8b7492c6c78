/** Reads Keras models. */
// jHDF names its module in its manifest alone.
@SuppressWarnings("requires-automatic")
module tacet.keras {
  requires transitive tacet;
  requires io.jhdf;
  // Used by jHDF, which as an automatic module cannot require them itself.
  requires org.slf4j;
  requires org.apache.commons.lang3;
  requires com.fasterxml.jackson.core;

  exports tacet.keras;

  provides tacet.format.ModelReader with
      tacet.keras.KerasReader;
}
