/** What Nix says while it builds: its internal JSON, turned into the text of a log and the facts beside it. */

import { parseInternalJsonLine } from '../../domain/nix/internal-json.ts';

export interface NixLogFacts {
  /** Derivations whose builder Nix started. */
  readonly built: ReadonlySet<string>;
  /** Nix's own errors, without colour; never the builder's output. */
  readonly messages: readonly string[];
  readonly phase: string | null;
}

export interface NixLogReader {
  /** Takes raw bytes, cut anywhere, and returns the text that they add to the log. */
  write(chunk: Buffer): string;
  /** The text of a last line without its end. */
  end(): string;
  readonly facts: NixLogFacts;
}

/** Errors that Nix repeats a thousand times are the same error. */
const MAX_MESSAGES = 50;
const MAX_MESSAGE_CHARACTERS = 8_192;
/** Nix's verbosity "error". */
const LEVEL_ERROR = 0;
// eslint-disable-next-line no-control-regex -- colour is made of control characters
const COLOUR = /\u001b\[[0-9;?]*[A-Za-z]/g;

export function createNixLogReader(): NixLogReader {
  const built = new Set<string>();
  const messages: string[] = [];
  const facts = { built, messages, phase: null as string | null };
  const decoder = new TextDecoder();
  let rest = '';

  function lineOf(line: string): string {
    const parsed = parseInternalJsonLine(line);
    switch (parsed.kind) {
      case 'text':
        return `${parsed.text}\n`;
      case 'start':
        if (parsed.type === 'build' && typeof parsed.fields[0] === 'string') built.add(parsed.fields[0]);
        return '';
      case 'message': {
        // Its last lines of a log may hold a zero byte, which no database takes as text.
        const text = parsed.text.replace(COLOUR, '').replaceAll('\0', '\ufffd');
        if (parsed.level === LEVEL_ERROR && messages.length < MAX_MESSAGES)
          messages.push(text.slice(0, MAX_MESSAGE_CHARACTERS));
        return parsed.level === LEVEL_ERROR ? `${text}\n` : '';
      }
      case 'result':
        if (parsed.type === 'setPhase' && typeof parsed.fields[0] === 'string')
          facts.phase = parsed.fields[0];
        return parsed.type === 'buildLogLine' || parsed.type === 'postBuildLogLine'
          ? `${String(parsed.fields[0] ?? '')}\n`
          : '';
      case 'stop':
        return '';
    }
  }

  return {
    facts,
    write: (chunk) => {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
      rest = lines.pop() ?? '';
      return lines.map(lineOf).join('');
    },
    end: () => {
      const last = rest;
      rest = '';
      return last === '' ? '' : lineOf(last);
    },
  };
}
