/** One process's settings, read from its environment once: typed, complete, and with every problem reported at once. */

import { ParseError } from './parse-error.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface Setting<T> {
  readonly name: string;
  readonly parse: (text: string) => T;
  /** Absent: the setting must be given. */
  readonly fallback?: T;
  /** A secret may be given as `<name>_FILE`: a file whose content, less the last line break, is the value. */
  readonly secret?: boolean;
}

type Values<S> = { readonly [K in keyof S]: S[K] extends Setting<infer T> ? T : never };

/**
 * Reads all settings.
 * @param readSecret the content of the file that a `_FILE` setting names.
 * @param problemOf what is wrong with settings together, of those that are right each for itself.
 * @throws ConfigurationError listing each setting that is missing or wrong, with its value and what was expected.
 */
export function parseEnvironment<S extends Readonly<Record<string, Setting<unknown>>>>(
  environment: Environment,
  settings: S,
  readSecret: (path: string) => string,
  problemOf: (values: Partial<Values<S>>) => string | undefined | readonly (string | undefined)[] = () => [],
): Values<S> {
  const values: Record<string, unknown> = {};
  const problems: string[] = [];
  for (const [key, setting] of Object.entries(settings)) {
    try {
      values[key] = valueOf(setting, environment, readSecret);
    } catch (error) {
      problems.push(error instanceof Error ? error.message : String(error));
    }
  }
  const together = [problemOf(values as Partial<Values<S>>)].flat();
  problems.push(...together.filter((problem) => problem !== undefined));
  if (problems.length > 0) throw new ConfigurationError(problems);
  return values as Values<S>;
}

/** The environment does not make a configuration. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
  readonly problems: readonly string[];

  constructor(problems: readonly string[]) {
    super(
      `configuration: ${problems.length === 1 ? '' : `${problems.length} problems:\n  - `}${problems.join('\n  - ')}`,
    );
    this.problems = problems;
  }
}

function valueOf<T>(setting: Setting<T>, environment: Environment, readSecret: (path: string) => string): T {
  const { name, parse } = setting;
  const text = nonEmpty(environment[name]);
  const file = setting.secret === true ? nonEmpty(environment[`${name}_FILE`]) : undefined;
  if (text !== undefined && file !== undefined)
    throw new Error(`${name} and ${name}_FILE are both set; set one`);
  if (file !== undefined) return parse(readFile(name, file, readSecret));
  if (text !== undefined) return parse(text);
  if (!('fallback' in setting))
    throw new Error(`${name} is not set${setting.secret === true ? ` (nor is ${name}_FILE)` : ''}`);
  return setting.fallback;
}

function readFile(name: string, path: string, readSecret: (path: string) => string): string {
  let text: string;
  try {
    text = readSecret(path).replace(/\r?\n$/, '');
  } catch (error) {
    throw new Error(
      `${name}_FILE: ${path} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
      {
        cause: error,
      },
    );
  }
  // An empty token would let everybody in who sends none.
  if (text === '') throw new Error(`${name}_FILE: ${path} is empty`);
  return text;
}

function nonEmpty(text: string | undefined): string | undefined {
  return text === undefined || text === '' ? undefined : text;
}

export function textSetting(name: string, fallback?: string): Setting<string> {
  return { name, parse: (text) => text, ...(fallback === undefined ? {} : { fallback }) };
}

export function optionalSetting(name: string, secret = false): Setting<string | undefined> {
  return { name, parse: (text) => text, fallback: undefined, secret };
}

export function secretSetting(name: string): Setting<string> {
  return { name, parse: (text) => text, secret: true };
}

/** As `secretSetting`; the message shows no more of it than its scheme. */
export function databaseUrlSetting(name: string): Setting<string> {
  const parse = (text: string): string => {
    if (!/^postgres(ql)?:\/\//.test(text))
      throw new ParseError(
        name,
        `${text.split(':', 1)[0]?.slice(0, 20)}:…`,
        'a URL of postgres: or postgresql:',
      );
    return text;
  };
  return { name, parse, secret: true };
}

export function integerSetting(
  name: string,
  fallback: number,
  minimum: number,
  maximum = Number.MAX_SAFE_INTEGER,
): Setting<number> {
  const parse = (text: string): number => {
    const value = Number(text);
    if (!/^-?[0-9]+$/.test(text) || value < minimum || value > maximum)
      throw new ParseError(name, text, `a whole number from ${minimum} to ${maximum}`);
    return value;
  };
  return { name, parse, fallback };
}

export function booleanSetting(name: string, fallback: boolean): Setting<boolean> {
  const parse = (text: string): boolean => {
    if (text === '1' || text === 'true') return true;
    if (text === '0' || text === 'false') return false;
    throw new ParseError(name, text, '"1", "true", "0" or "false"');
  };
  return { name, parse, fallback };
}

/** Words separated by white space. */
export function listSetting(name: string, fallback: readonly string[]): Setting<readonly string[]> {
  return { name, parse: (text) => text.split(/\s+/).filter((word) => word !== ''), fallback };
}

export function urlSetting(
  name: string,
  fallback: string | undefined,
  protocols: readonly string[],
): Setting<string | undefined> {
  const parse = (text: string): string => {
    const url = URL.canParse(text) ? new URL(text) : undefined;
    if (url === undefined || !protocols.includes(url.protocol))
      throw new ParseError(name, text, `a URL of ${protocols.join(' or ')}`);
    return text.replace(/\/+$/, '');
  };
  return { name, parse, fallback };
}
