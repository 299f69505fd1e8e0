/** A loop of a process: runs again and again, sooner when woken, one run at a time, whatever fails. */

export interface LoopOptions {
  readonly everySeconds: number;
  readonly run: () => Promise<void>;
  readonly onError: (error: unknown) => void;
}

export interface Loop extends AsyncDisposable {
  /** Runs as soon as the present run is over. */
  wake(): void;
}

export function createLoop({ everySeconds, run, onError }: LoopOptions): Loop {
  let stopped = false;
  let woken = true;
  let wakeUp = () => {};
  const finished = (async () => {
    while (!stopped) {
      woken = false;
      try {
        await run();
      } catch (error) {
        onError(error);
      }
      if (!woken && !stopped) await sleep();
    }
  })();

  function sleep(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, everySeconds * 1000);
      wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  return {
    wake: () => {
      woken = true;
      wakeUp();
    },
    [Symbol.asyncDispose]: async () => {
      stopped = true;
      wakeUp();
      await finished;
    },
  };
}
