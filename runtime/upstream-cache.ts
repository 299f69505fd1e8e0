/** Trusted upstream binary caches, asked whether they serve a store path. */

/** A question takes this long at most; a cache that is away must not hold up planning. */
const ANSWER_TIMEOUT_MS = 5_000;
/** An upstream that does not answer is left alone for this long. */
const AWAY_MS = 60_000;
const CONCURRENT_QUESTIONS = 16;

export interface UpstreamCaches {
  readonly urls: readonly string[];
  /**
   * For each path hash the URL of the first upstream that serves it, or `null` when none does.
   * A hash on which an upstream gave no answer (away, error) is absent: nothing is known of it.
   */
  ask(pathHashes: readonly string[]): Promise<Map<string, string | null>>;
}

export interface UpstreamDeps {
  readonly urls: readonly string[];
  readonly fetch: typeof fetch;
  readonly now: () => number;
  readonly onAway: (url: string, reason: string) => void;
}

export function createUpstreamCaches({ urls, fetch, now, onAway }: UpstreamDeps): UpstreamCaches {
  const awayUntil = new Map<string, number>();

  /** HEAD of the narinfo: 200 yes, 404 (and S3's 403) no, anything else unknown. */
  async function serves(url: string, pathHash: string): Promise<boolean | undefined> {
    if ((awayUntil.get(url) ?? 0) > now()) return undefined;
    try {
      const response = await fetch(`${url.replace(/\/$/, '')}/${pathHash}.narinfo`, {
        method: 'HEAD',
        signal: AbortSignal.timeout(ANSWER_TIMEOUT_MS),
      });
      if (response.ok) return true;
      if (response.status === 404 || response.status === 403 || response.status === 410) return false;
      throw new Error(`status ${response.status}`);
    } catch (error) {
      if ((awayUntil.get(url) ?? 0) <= now())
        onAway(url, error instanceof Error ? error.message : String(error));
      awayUntil.set(url, now() + AWAY_MS);
      return undefined;
    }
  }

  async function askOne(pathHash: string): Promise<string | null | undefined> {
    let unknown = false;
    for (const url of urls) {
      const answer = await serves(url, pathHash);
      if (answer === true) return url;
      unknown ||= answer === undefined;
    }
    return unknown ? undefined : null;
  }

  return {
    urls,
    ask: async (pathHashes) => {
      const answers = new Map<string, string | null>();
      if (urls.length === 0) return answers;
      const queue = [...pathHashes];
      const worker = async () => {
        for (let hash = queue.pop(); hash !== undefined; hash = queue.pop()) {
          const answer = await askOne(hash);
          if (answer !== undefined) answers.set(hash, answer);
        }
      };
      await Promise.all(Array.from({ length: CONCURRENT_QUESTIONS }, worker));
      return answers;
    },
  };
}
