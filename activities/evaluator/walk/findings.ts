/** What walk.nix tells of the attributes that it looks at, line by line. */

import { asObject, asString, asStrings, optional, parseJson } from '../../../domain/nix/json.ts';
import type { JsonObject } from '../../../domain/nix/json.ts';
import { ParseError } from '../../../domain/parse-error.ts';

export type RootProblem = {
  /** The root is no function; an argument that the function does not take; an argument that it needs. */
  readonly kind: 'no-function' | 'unaccepted' | 'missing';
  readonly names: readonly string[];
};

export type Finding =
  | { readonly at: 'problem'; readonly problem: RootProblem }
  /** The root has been evaluated. */
  | { readonly at: 'root'; readonly type: string }
  | ItemFinding;

/** `item` counts the attributes of this process's request. */
export type ItemFinding = { readonly item: number } & (
  | { readonly at: 'absent' }
  /** Asked for no more than whether it is there. */
  | { readonly at: 'present' }
  /** Nothing to walk: neither a derivation nor an attribute set that is to be entered. */
  | { readonly at: 'other'; readonly type: string }
  | { readonly at: 'comparing' }
  /** An ancestor met again. */
  | { readonly at: 'again' }
  | { readonly at: 'set'; readonly names: readonly string[] }
  | { readonly at: 'derivation' }
  | { readonly at: 'features'; readonly features: readonly string[] | null }
  | {
      readonly at: 'job';
      readonly drvPath: string;
      readonly name: string;
      readonly system: string;
      readonly constituents: readonly string[] | null;
    }
  | { readonly at: 'meta'; readonly meta: JsonObject }
  /** `tryEval` caught an error and knows no more. */
  | { readonly at: 'caught' }
  | { readonly at: 'checks'; readonly gpuCheck: readonly string[] | null }
  /** The names of its tests are known; each follows. */
  | { readonly at: 'tests' }
  | {
      readonly at: 'test';
      readonly name: string;
      /** From the derivation to the test, and to the test's own gpuCheck where it has one. */
      readonly via: readonly string[];
      readonly gpuCheck: readonly string[] | null;
      /** Null: not to be read. */
      readonly features: readonly string[] | null;
    }
  | { readonly at: 'done' }
);

const FORMAT = "finding of the evaluator's walk.nix";

/** Parses the JSON of one finding. */
export function parseFinding(text: string): Finding {
  const json = asObject(FORMAT, parseJson(FORMAT, text));
  const at = json['at'];
  if (at === 'root') return { at, type: asString(FORMAT, json['type']) };
  if (at === 'problem') return { at, problem: readProblem(asObject(FORMAT, json['problem'])) };
  const item = json['item'];
  if (typeof item !== 'number') throw new ParseError(FORMAT, item, 'the number of an attribute');
  const strings = (value: unknown): string[] => asStrings(FORMAT, value);
  const path = (value: unknown): string[] | null => optional(value, strings);
  switch (at) {
    case 'absent':
    case 'present':
    case 'comparing':
    case 'again':
    case 'derivation':
    case 'caught':
    case 'tests':
    case 'done':
      return { item, at };
    case 'other':
      return { item, at, type: asString(FORMAT, json['type']) };
    case 'set':
      return { item, at, names: strings(json['names']) };
    case 'features':
      return { item, at, features: path(json['features']) };
    case 'job':
      return {
        item,
        at,
        drvPath: asString(FORMAT, json['drvPath']),
        name: asString(FORMAT, json['name']),
        system: asString(FORMAT, json['system']),
        constituents: path(json['constituents']),
      };
    case 'meta':
      return { item, at, meta: asObject(FORMAT, json['meta']) };
    case 'checks':
      return { item, at, gpuCheck: path(json['gpuCheck']) };
    case 'test':
      return {
        item,
        at,
        name: asString(FORMAT, json['name']),
        via: strings(json['via']),
        gpuCheck: path(json['gpuCheck']),
        features: path(json['features']),
      };
    default:
      throw new ParseError(FORMAT, text, 'one that we know');
  }
}

function readProblem(problem: JsonObject): RootProblem {
  const kind = problem['kind'];
  if (kind !== 'no-function' && kind !== 'unaccepted' && kind !== 'missing')
    throw new ParseError(FORMAT, kind, 'a problem of arguments');
  return { kind, names: asStrings(FORMAT, problem['names']) };
}
