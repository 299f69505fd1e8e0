/** Parsing what comes from outside by a schema, with every problem reported at once. */

import type { Static, TSchema } from 'typebox';
import { Settings } from 'typebox/system';
import { Value } from 'typebox/value';
import { ParseError, quote } from './parse-error.ts';

// An operator corrects a file once, not eight problems at a time (the library's default).
Settings.Set({ maxErrors: 100 });

/**
 * `value` as the type of `schema`, defaults filled in.
 * @throws ParseError naming each field that is wrong, its value and what was expected.
 */
export function parseWith<S extends TSchema>(schema: S, value: unknown, what: string): Static<S> {
  const completed = Value.Default(schema, Value.Clone(value));
  if (Value.Check(schema, completed)) return completed;
  throw new ParseError(
    what,
    value,
    `valid:${problemsOf(schema, completed)
      .map((line) => `\n  - ${line}`)
      .join('')}`,
  );
}

/** One line a problem: where, the value, what was expected. */
export function problemsOf(schema: TSchema, value: unknown): string[] {
  const lines = new Set<string>();
  for (const error of Value.Errors(schema, value)) {
    // An unknown field is reported twice: by its name here, and as "schema is false".
    if (error.keyword === 'boolean') continue;
    const at = error.instancePath === '' ? 'the whole' : error.instancePath;
    lines.add(`${at}: ${quote(valueAt(value, error.instancePath))} ${describe(error)}`);
  }
  return [...lines];
}

interface SchemaError {
  readonly keyword: string;
  readonly message: string;
  readonly params: object;
}

function describe({ keyword, message, params }: SchemaError): string {
  const details = params as Record<string, unknown>;
  switch (keyword) {
    case 'additionalProperties':
      return `has fields that are not known: ${String(details['additionalProperties'])}`;
    case 'required':
      return `lacks ${String(details['requiredProperties'])}`;
    case 'const':
      return `is not ${quote(details['allowedValue'])}`;
    case 'enum':
      return `is none of ${(details['allowedValues'] as unknown[]).map(quote).join(', ')}`;
    case 'type':
      return `is not of type ${String(details['type'])}`;
    default:
      return message;
  }
}

function valueAt(value: unknown, pointer: string): unknown {
  let current = value;
  for (const part of pointer.split('/').slice(1)) {
    if (typeof current !== 'object' || current === null) return undefined;
    current = (current as Record<string, unknown>)[part.replaceAll('~1', '/').replaceAll('~0', '~')];
  }
  return current;
}
