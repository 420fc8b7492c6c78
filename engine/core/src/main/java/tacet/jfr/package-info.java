/** What Tacet tells JDK Flight Recorder. Loaded when a recording has been started, and not before. */
package tacet.jfr;
