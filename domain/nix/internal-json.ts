/** Lines of `--log-format internal-json`: what Nix does, as it does it (`src/libutil/logging.cc`). */
import { isObject } from './json.ts';
import type { JsonObject } from './json.ts';

/** Kinds of activity by Nix's number; `unknown` is Nix's own word for 0, and ours for numbers it may add. */
const ACTIVITY_TYPES = {
  100: 'copyPath',
  101: 'fileTransfer',
  102: 'realise',
  103: 'copyPaths',
  104: 'builds',
  105: 'build',
  106: 'optimiseStore',
  107: 'verifyPaths',
  108: 'substitute',
  109: 'queryPathInfo',
  110: 'postBuildHook',
  111: 'buildWaiting',
  112: 'fetchTree',
} as const;

const RESULT_TYPES = {
  100: 'fileLinked',
  101: 'buildLogLine',
  102: 'untrustedPath',
  103: 'corruptedPath',
  104: 'setPhase',
  105: 'progress',
  106: 'setExpected',
  107: 'postBuildLogLine',
  108: 'fetchStatus',
} as const;

export type ActivityType = (typeof ACTIVITY_TYPES)[keyof typeof ACTIVITY_TYPES] | 'unknown';
export type ResultType = (typeof RESULT_TYPES)[keyof typeof RESULT_TYPES] | 'unknown';

/** Positional arguments, by type: a `build` has derivation, machine, round, rounds; a `buildLogLine` the line. */
export type Field = string | number;

/** Ids are decimal text: Nix puts the process id above bit 32, which a double does not always hold. */
export type InternalJsonLine =
  | {
      readonly kind: 'start';
      readonly id: string;
      /** The enclosing activity; null where there is none, and always from Nix 2.8. */
      readonly parent: string | null;
      /** 0 error, 1 warning, 2 notice, 3 info, 4 talkative, 5 chatty, 6 debug, 7 vomit. */
      readonly level: number;
      readonly type: ActivityType;
      readonly text: string;
      readonly fields: readonly Field[];
    }
  | { readonly kind: 'stop'; readonly id: string }
  | {
      readonly kind: 'result';
      readonly id: string;
      readonly type: ResultType;
      readonly fields: readonly Field[];
    }
  | {
      readonly kind: 'message';
      readonly level: number;
      /** As for a terminal, with colours. */
      readonly text: string;
      /** Without the word "error:" and the position; null for messages that are no errors. */
      readonly raw: string | null;
    }
  /** Anything else: a line of a program that Nix ran, or one that only looks like Nix's. */
  | { readonly kind: 'text'; readonly text: string };

const PREFIX = '@nix ';

/** Parses one line, without its newline. Never throws: builders write to the same stream, and may imitate Nix. */
export function parseInternalJsonLine(line: string): InternalJsonLine {
  const text = { kind: 'text', text: line } as const;
  if (!line.startsWith(PREFIX)) return text;
  let json: unknown;
  try {
    json = JSON.parse(line.slice(PREFIX.length), keepIdText);
  } catch {
    return text;
  }
  return (isObject(json) ? readLine(json) : null) ?? text;
}

function readLine(json: JsonObject): InternalJsonLine | null {
  const { action, id, parent, level, fields = [] } = json;
  if (action === 'msg') {
    const { msg, raw_msg: raw } = json;
    if (typeof level !== 'number' || typeof msg !== 'string') return null;
    return { kind: 'message', level, text: msg, raw: typeof raw === 'string' ? raw : null };
  }
  if (typeof id !== 'string' || !/^[0-9]+$/.test(id)) return null;
  if (action === 'stop') return { kind: 'stop', id };
  if (!isFields(fields)) return null;
  if (action === 'result') return { kind: 'result', id, type: typeName(RESULT_TYPES, json['type']), fields };
  if (action !== 'start' || typeof level !== 'number' || typeof json['text'] !== 'string') return null;
  return {
    kind: 'start',
    id,
    parent: typeof parent === 'string' && parent !== '0' ? parent : null,
    level,
    type: typeName(ACTIVITY_TYPES, json['type']),
    text: json['text'],
    fields,
  };
}

function keepIdText(key: string, value: unknown, context?: { source?: string }): unknown {
  const isId = (key === 'id' || key === 'parent') && typeof value === 'number';
  return isId ? (context?.source ?? String(value)) : value;
}

function typeName<Name extends string>(
  names: Readonly<Record<number, Name>>,
  number: unknown,
): Name | 'unknown' {
  return (typeof number === 'number' ? names[number] : undefined) ?? 'unknown';
}

function isFields(value: unknown): value is Field[] {
  return (
    Array.isArray(value) && value.every((field) => typeof field === 'string' || typeof field === 'number')
  );
}
