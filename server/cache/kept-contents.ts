/** Contents in memory, bounded by their bytes, each fetched once however many want it, and never older than the last change. */

import { LRUCache } from 'lru-cache';
import type { Content } from './source.ts';

export interface Kept {
  readonly content: Content;
  /** Of a narinfo: where its bytes are. */
  readonly url?: string;
}

export interface KeptContents {
  get(key: string): Content | undefined;
  /** Asks, and keeps what is all in memory; for `ttl` milliseconds, or as long as there is room. */
  fetch(key: string, ask: () => Promise<Kept | undefined>, ttl?: number): Promise<Content | undefined>;
  /** Whose narinfo was kept and names this URL: the hash part of its path. */
  ownerOf(url: string): string | undefined;
  /** What was kept under a key, and being fetched by now, is not answered again. */
  forget(key: string): void;
  forgetAll(): void;
  readonly entries: number;
  readonly bytes: number;
}

/** Of an entry beside its bytes: keys and objects. */
const ENTRY_BYTES = 1_024;
/** URLs whose path is known; some 200 bytes each. */
const KNOWN_URLS = 100_000;
const HASH_LENGTH = 32;

interface Fetch {
  readonly found: Promise<Content | undefined>;
  isStale: boolean;
}

export function createKeptContents(maxBytes: number): KeptContents {
  const entries = new LRUCache<string, Kept>({
    maxSize: maxBytes,
    // A narinfo is there twice: by itself, and behind the head of its answer.
    sizeCalculation: ({ content, url }) => content.size * (url === undefined ? 1 : 2) + ENTRY_BYTES,
  });
  const owners = new LRUCache<string, string>({ max: KNOWN_URLS });
  const fetches = new Map<string, Fetch>();

  function keep(key: string, kept: Kept, ttl: number | undefined): void {
    if (kept.content.body.kind !== 'bytes') return;
    entries.set(key, kept, ttl === undefined ? {} : { ttl });
    if (kept.url !== undefined) owners.set(kept.url, key.slice(0, HASH_LENGTH));
  }

  function start(key: string, ask: () => Promise<Kept | undefined>, ttl: number | undefined): Fetch {
    const run = async (): Promise<Content | undefined> => {
      try {
        const kept = await ask();
        if (kept !== undefined && !one.isStale) keep(key, kept, ttl);
        return kept?.content;
      } finally {
        if (fetches.get(key) === one) fetches.delete(key);
      }
    };
    const one: { isStale: boolean; found: Promise<Content | undefined> } = {
      isStale: false,
      found: Promise.resolve().then(run),
    };
    return one;
  }

  function forget(key: string): void {
    const url = entries.peek(key)?.url;
    if (url !== undefined) {
      entries.delete(url);
      owners.delete(url);
    }
    entries.delete(key);
    const fetch = fetches.get(key);
    if (fetch === undefined) return;
    // Who waits for it gets what it finds; who comes from now on has it asked again.
    fetch.isStale = true;
    fetches.delete(key);
  }

  return {
    get: (key) => entries.get(key)?.content,
    fetch: (key, ask, ttl) => {
      let one = fetches.get(key);
      if (one === undefined) fetches.set(key, (one = start(key, ask, ttl)));
      return one.found;
    },
    ownerOf: (url) => owners.get(url),
    forget,
    forgetAll: () => {
      entries.clear();
      owners.clear();
      for (const key of fetches.keys()) forget(key);
    },
    get entries() {
      return entries.size;
    },
    get bytes() {
      return entries.calculatedSize;
    },
  };
}
