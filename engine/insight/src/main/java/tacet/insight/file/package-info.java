/** Files written whole or not at all. */
package tacet.insight.file;
