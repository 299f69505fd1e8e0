/** Why an evaluation stops before its end: the caller's signal, the time limit, or what was found on the way. */

export interface Stop extends Disposable {
  /** Aborted when the evaluation is to stop, for whatever reason. */
  readonly signal: AbortSignal;
  /** Ends the evaluation incomplete; the first message counts. */
  end(message: string): void;
  /** Ends it by an error of ours or of the consumer. */
  fail(error: unknown): void;
  /** The message of an incomplete evaluation; null where nothing stopped it. Throws what it failed of. */
  outcome(): string | null;
}

/** @param seconds after which `describeTimeout` says what to report. */
export function createStop(outer: AbortSignal, seconds: number, describeTimeout: () => string): Stop {
  const inner = new AbortController();
  let message: string | null = null;
  let failure: { error: unknown } | undefined;
  const stop = (): void => inner.abort();
  const cancel = (): void => fail(outer.reason);
  const end = (text: string): void => {
    message ??= text;
    stop();
  };
  const fail = (error: unknown): void => {
    failure ??= { error };
    stop();
  };
  // Longer timers than 2^31 ms fire at once.
  const timer = setTimeout(() => end(describeTimeout()), Math.min(seconds * 1_000, 2 ** 31 - 1));
  if (outer.aborted) cancel();
  else outer.addEventListener('abort', cancel, { once: true });
  return {
    signal: inner.signal,
    end,
    fail,
    outcome: () => {
      if (failure !== undefined) throw failure.error;
      return message;
    },
    [Symbol.dispose]: () => {
      clearTimeout(timer);
      outer.removeEventListener('abort', cancel);
    },
  };
}
