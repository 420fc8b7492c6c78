/** What a network's layers do over many images. */
package tacet.insight.survey;
