/** What a test started must not outlive it, even where the runner is told to stop in the middle. */

const running = new Set<AsyncDisposable>();
let isWatching = false;

/** Disposes of `resource` when the process is told to end; the function returned forgets it. */
export function disposeOnTermination(resource: AsyncDisposable): () => void {
  if (!isWatching) watch();
  running.add(resource);
  return () => running.delete(resource);
}

function watch(): void {
  isWatching = true;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => {
      void Promise.allSettled([...running].map((resource) => resource[Symbol.asyncDispose]())).then(() =>
        process.exit(1),
      );
    });
}
