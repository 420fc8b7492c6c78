/** What was found out about a network, as one HTML file that needs nothing else. */
package tacet.insight.report;
