/** At most so many at once: the others wait in the order they came. */

export type Limit = <T>(run: () => Promise<T>) => Promise<T>;

export function createLimit(atOnce: number): Limit {
  const waiting: (() => void)[] = [];
  let running = 0;
  return async (run) => {
    if (running >= atOnce) await new Promise<void>((resolve) => waiting.push(resolve));
    else running += 1;
    try {
      return await run();
    } finally {
      const next = waiting.shift();
      // Its place is handed on: nobody who comes now goes in front.
      if (next === undefined) running -= 1;
      else next();
    }
  };
}
