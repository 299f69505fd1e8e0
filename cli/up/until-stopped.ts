/** Waiting for Ctrl-C or SIGTERM. */

/** Resolves at the first signal. A Ctrl-C reaches us once from the terminal and once from our parent; both are the same wish. */
export function untilStopped(): Promise<undefined> {
  return new Promise((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
      process.on(signal, () => resolve(undefined));
  });
}
