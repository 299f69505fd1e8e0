/** Fingerprints: one number for one fault, whatever package, version, path, address, line or host it shows itself in. */

import type { Captures } from './pattern/fragment.ts';
import type { Meaning } from './taxonomy.ts';

/** Replacements that remove what varies between two sightings of a fault; the order matters. */
const VARIABLE_PARTS: readonly (readonly [RegExp, string])[] = [
  // Paths from a root keep their last component only: the same file is missing wherever the source tree lies.
  [/\/nix\/store\/[0-9a-z]{32}-/g, '/'],
  [/(?<![\w.+@=%~-])(?:file:\/\/)?(?:~|\.{1,2})?(?:\/[\w.+@=%~-]+)*\/([\w.+@=%~-]+)/g, '$1'],
  [/0x[0-9a-f]+/g, '0x'],
  [/\b(?:sha256|sha1|sha512|md5)[:-][0-9a-z+/=]+/g, '#hash'],
  [/\b[0-9a-z]{32}-/g, ''],
  [/\b[0-9a-f]{16,64}\b/g, '#hash'],
  [/\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b/g, '#address'],
  [/:\d+(?::\d+)?\b/g, ''],
  [/\bline \d+/g, 'line'],
  [/\(\d+(?:,\d+)?\)/g, ''],
  [/\.so(?:\.\d+)+/g, '.so'],
  [/\b(python|pypy|cp|cuda|gcc|clang|llvm|v|cu)-?\d+(?:\.\d+)*\b/g, '$1'],
  [/-\d+(?:\.\d+)+[\w.+]*/g, ''],
  [/\b\d+(?:\.\d+)*\b/g, '#'],
];

/** Architectures are what a fault is about, though they look like versions; they are hidden from the replacements. */
const ARCHITECTURES = /\b(?:sm|compute|gfx|lto|arch)_?[0-9]{2,4}[a-f]?\b/g;

/** First character of Unicode's private use area: stands for a hidden name, and no replacement touches it. */
const PRIVATE_USE = 0xe000;

/** Text without what varies. `hosts` are names to remove wherever they stand. */
export function normaliseText(text: string, hosts: readonly string[] = []): string {
  const kept: string[] = [];
  let result = text
    .toLowerCase()
    .replace(ARCHITECTURES, (name) => String.fromCharCode(PRIVATE_USE + kept.push(name)));
  for (const host of hosts) if (host !== '') result = result.replaceAll(host.toLowerCase(), '#host');
  for (const [pattern, replacement] of VARIABLE_PARTS) result = result.replace(pattern, replacement);
  return result
    .replace(/[\ue000-\uf8ff]/g, (mark) => kept[mark.charCodeAt(0) - PRIVATE_USE - 1] ?? '')
    .replace(/\s+/g, ' ')
    .trim();
}

/** 16 hexadecimal digits over class, subclass and what the line named (its symbol, library, architecture, message). */
export function fingerprintOf(meaning: Meaning, captures: Captures, hosts: readonly string[] = []): string {
  const named = Object.entries(captures)
    .filter(([name]) => !name.startsWith('_') && name !== 'code')
    .map(([name, text]) => `${name}=${normaliseText(text, hosts)}`)
    .toSorted();
  return hash64([meaning.class, meaning.subclass, ...named].join('\n'));
}

/** Two 32-bit halves by multiplication and xor (as in FNV-1a): no `node:crypto` in a workflow, and no enemy to resist. */
function hash64(text: string): string {
  let low = 0x811c9dc5;
  let high = 0xcbf29ce4;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    low = Math.imul(low ^ code, 0x01000193);
    high = Math.imul(high ^ (code + (low & 0xff)), 0x85ebca6b);
    high ^= high >>> 13;
  }
  return (high >>> 0).toString(16).padStart(8, '0') + (low >>> 0).toString(16).padStart(8, '0');
}
