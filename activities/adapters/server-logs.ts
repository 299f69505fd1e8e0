/** Logs of attempts, read from the server that owns them. */

export interface AttemptLogs {
  /** The log of an attempt as it comes; empty when it has none. */
  read(attemptId: number): AsyncIterable<Uint8Array>;
}

export interface ServerLogsDeps {
  /** Base URL of the server, without a slash at the end. */
  readonly serverUrl: string;
  readonly token: string;
  readonly fetch: typeof fetch;
}

export function createServerLogs({ serverUrl, token, fetch }: ServerLogsDeps): AttemptLogs {
  return {
    async *read(attemptId) {
      const response = await fetch(`${serverUrl}/api/v1/attempts/${attemptId}/log`, {
        headers: { authorization: `Bearer ${token}` },
      });
      if (response.status === 404) return;
      if (!response.ok || response.body === null)
        throw new Error(
          `reading the log of attempt ${attemptId} from ${serverUrl}: status ${response.status}`,
        );
      yield* response.body;
    },
  };
}
