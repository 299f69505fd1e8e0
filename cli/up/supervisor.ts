/** The children of one instance: started in order, stopped in reverse, remembered on disk. */

import { type ChildEvents, type Child, type ChildSpec, supervise } from './child.ts';
import { createPidRecord } from './leftovers.ts';

export interface Supervisor extends AsyncDisposable {
  /** Starts a child and returns when it is ready. @throws Error when it, or one before it, cannot run as it is configured. */
  start(spec: ChildSpec): Promise<void>;
  /** Rejects when a child cannot run as it is configured. */
  readonly hopeless: Promise<never>;
}

export function createSupervisor(runFolder: string, say: (message: string) => void): Supervisor {
  const children: Child[] = [];
  const pids = createPidRecord(runFolder, say);
  const { promise: hopeless, reject: fail } = Promise.withResolvers<never>();
  // Whoever waits for it hears of it; when nobody does, it is no unhandled rejection.
  hopeless.catch(() => {});

  function eventsOf(spec: ChildSpec): ChildEvents {
    let deaths = 0;
    return {
      onStart: (name, pid) => void pids.add(name, pid, spec.stopSignal),
      onReady: (name) => {
        if (deaths > 0) say(`${name} runs again`);
      },
      onDeath: (name, how, inMs) => {
        deaths++;
        say(`${name} ended (${how}); it is started again in ${inMs / 1000} s. Its log: ${spec.logFile}`);
      },
      onHopeless: (name, how) => {
        // Whoever starts a child once tries something else.
        if (spec.once !== true)
          fail(new Error(`${name} cannot run (${how}); its log says why: ${spec.logFile}`));
      },
    };
  }

  return {
    hopeless,
    start: async (spec) => {
      const child = supervise(spec, eventsOf(spec));
      children.push(child);
      await Promise.race([child.ready, hopeless]);
    },
    [Symbol.asyncDispose]: async () => {
      for (const child of children.toReversed()) await child.stop();
    },
  };
}
