/** Computes the hash that a content address claims, from the NAR as it passes (`src/libstore/content-address.cc`, `src/libutil/hash-modulo`). */

import { createHash } from 'node:crypto';
import type { ContentAddress } from '../../domain/nix/content-address.ts';
import type { NixHash } from '../../domain/nix/hash.ts';
import type { NarVisitor } from '../../domain/nix/nar-read.ts';
import { ParseError } from '../../domain/parse-error.ts';

export interface ContentHasher {
  readonly visitor: NarVisitor;
  /** Takes the NAR's bytes as they are. */
  write(chunk: Buffer): void;
  /** @throws ParseError where the NAR cannot have this kind of address. */
  end(): NixHash;
}

/** `pathHash`: the path's own hash part; where its NAR holds it, zeros are hashed in its place. */
export function createContentHasher({ method, hash }: ContentAddress, pathHash: string): ContentHasher {
  switch (method) {
    case 'nar':
      return hashModulo(hash.algorithm, pathHash);
    case 'flat':
    case 'text':
      return hashFile(hash.algorithm);
    case 'git':
      throw new ParseError('CA', 'fixed:git:…', 'a content address that is verified here: flat, nar or text');
  }
}

/** A single file, not executable: Nix hashes its bytes alone. */
function hashFile(algorithm: NixHash['algorithm']): ContentHasher {
  const digest = createHash(algorithm);
  let isFile = false;
  return {
    visitor: {
      file: (name, { executable }) => (isFile = name === null && !executable),
      content: (chunk) => void digest.update(chunk),
    },
    write: () => {},
    end: () => {
      if (!isFile)
        throw new ParseError('NAR', 'a folder, symlink or program', 'a single file, as its CA says');
      return { algorithm, bytes: digest.digest() };
    },
  };
}

/** The NAR with each occurrence of the path's own hash part zeroed, followed by where those were. */
function hashModulo(algorithm: NixHash['algorithm'], pathHash: string): ContentHasher {
  const digest = createHash(algorithm);
  const wanted = Buffer.from(pathHash);
  const zeros = Buffer.alloc(wanted.length);
  const positions: number[] = [];
  let kept: Buffer = Buffer.alloc(0);
  let offset = 0;
  return {
    visitor: {},
    write: (chunk) => {
      const bytes = Buffer.concat([kept, chunk]);
      let at = 0;
      for (let next = bytes.indexOf(wanted); next >= 0; next = bytes.indexOf(wanted, at)) {
        positions.push(offset + next);
        digest.update(bytes.subarray(at, next)).update(zeros);
        at = next + wanted.length;
      }
      // Another occurrence may begin in the last bytes.
      const end = Math.max(at, bytes.length - wanted.length + 1);
      digest.update(bytes.subarray(at, end));
      kept = Buffer.from(bytes.subarray(end));
      offset += end;
    },
    end: () => {
      digest.update(kept);
      for (const position of positions) digest.update(`|${position}`);
      return { algorithm, bytes: digest.digest() };
    },
  };
}
