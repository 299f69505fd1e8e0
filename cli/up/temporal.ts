/** Temporal's dev server: one process with its UI and a database file. */

import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { SEARCH_ATTRIBUTES } from '../../domain/ci/workflow-messages.ts';
import type { ChildSpec } from './child.ts';
import type { InstanceState } from './state.ts';

export interface TemporalPorts {
  readonly port: number;
  readonly uiPort: number;
}

/** `cli` is the path of the `temporal` command. Flags are the same at each start: an existing file wants them again. */
export function temporalChild(
  state: InstanceState,
  cli: string,
  namespace: string,
  { port, uiPort }: TemporalPorts,
): ChildSpec {
  return {
    name: 'temporal',
    argv: [
      ...[
        cli,
        'server',
        'start-dev',
        '--ip',
        '127.0.0.1',
        '--port',
        String(port),
        '--ui-ip',
        '127.0.0.1',
        '--ui-port',
        String(uiPort),
      ],
      ...['--db-filename', join(state.folders.temporal, 'temporal.db'), '--log-level', 'error'],
      // A namespace that is registered later takes seconds to be known everywhere.
      ...['--namespace', namespace],
      ...SEARCH_ATTRIBUTES.flatMap((name) => ['--search-attribute', `${name}=Keyword`]),
      // Without these the server is bound by fsync: half the throughput (reference: temporal.md §14.1).
      ...['--sqlite-pragma', 'journal_mode=wal', '--sqlite-pragma', 'synchronous=1'],
      ...['--dynamic-config-value', 'matching.enableFairness=true'],
      ...['--dynamic-config-value', 'matching.useNewMatcher=true'],
      ...['--dynamic-config-value', 'frontend.enableServerVersionCheck=false'],
      // A step that is tried again at once must not wait for a second.
      ...['--dynamic-config-value', 'history.workflowIdReuseMinimalInterval="0s"'],
    ],
    // It would keep files of its own in the home folder.
    environment: { PATH: '/usr/bin:/bin', HOME: state.folders.temporal },
    logFile: join(state.folders.run, 'temporal.log'),
    ipc: false,
    isReady: () => answers(`127.0.0.1:${port}`, namespace),
    stopSignal: 'SIGTERM',
    stopMs: 10_000,
  };
}

/** Whether it is ours that answers: a neighbour on the same port has another namespace. */
async function answers(address: string, namespace: string): Promise<boolean> {
  const connection = await Connection.connect({ address, connectTimeout: '2 seconds' });
  try {
    await connection.workflowService.describeNamespace({ namespace });
    return true;
  } finally {
    await connection.close();
  }
}
