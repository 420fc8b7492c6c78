package tacet.cli;

import java.util.concurrent.Callable;

/**
 * A subcommand that another module brings, found by {@link java.util.ServiceLoader}: a class with picocli's annotations
 * whose result is the exit code.
 */
public interface Subcommand extends Callable<Integer> {}
