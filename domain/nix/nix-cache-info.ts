/** `nix-cache-info`: what a binary cache says about itself (`src/libstore/binary-cache-store.cc`). */
import { ParseError } from '../parse-error.ts';
import { DEFAULT_STORE_DIR } from './store-path.ts';

export interface NixCacheInfo {
  /** Must equal the client's store directory, else Nix refuses the cache. */
  readonly storeDir: string;
  /** Whether clients may ask for many paths at once. */
  readonly wantMassQuery: boolean;
  /** Lower is asked first; cache.nixos.org has 40, and a cache that says nothing 50. */
  readonly priority: number;
  /** Keys beyond Nix's own, which clients ignore. */
  readonly extensions: ReadonlyMap<string, string>;
}

const DEFAULT_PRIORITY = 50;

export function parseNixCacheInfo(text: string): NixCacheInfo {
  const extensions = new Map<string, string>();
  let info: Omit<NixCacheInfo, 'extensions'> = {
    storeDir: DEFAULT_STORE_DIR,
    wantMassQuery: false,
    priority: DEFAULT_PRIORITY,
  };
  for (const line of text.split('\n').filter((candidate) => candidate.trim() !== '')) {
    const [, key, value] = /^([^:\s]+):\s*(.*?)\s*$/.exec(line) ?? [];
    if (key === undefined || value === undefined)
      throw new ParseError('nix-cache-info', line, 'a line "Key: value"');
    if (key === 'StoreDir') info = { ...info, storeDir: parseStoreDir(value) };
    else if (key === 'WantMassQuery') info = { ...info, wantMassQuery: value === '1' };
    else if (key === 'Priority') info = { ...info, priority: parsePriority(value) };
    else extensions.set(key, value);
  }
  return { ...info, extensions };
}

export function formatNixCacheInfo({ storeDir, wantMassQuery, priority, extensions }: NixCacheInfo): string {
  const lines = [`StoreDir: ${storeDir}`, `WantMassQuery: ${wantMassQuery ? 1 : 0}`, `Priority: ${priority}`];
  for (const [key, value] of extensions) {
    if (!/^[^:\s]+$/.test(key) || /[\r\n]/.test(value))
      throw new ParseError('nix-cache-info', `${key}: ${value}`, 'one line');
    lines.push(`${key}: ${value}`);
  }
  return `${lines.join('\n')}\n`;
}

function parseStoreDir(text: string): string {
  if (!/^(\/[^/\s]+)+$/.test(text)) throw new ParseError('nix-cache-info StoreDir', text, 'an absolute path');
  return text;
}

function parsePriority(text: string): number {
  if (!/^-?[0-9]{1,9}$/.test(text)) throw new ParseError('nix-cache-info Priority', text, 'a whole number');
  return Number(text);
}
