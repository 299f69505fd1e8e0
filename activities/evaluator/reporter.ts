/** From what either evaluator finds to the items that the caller gets. */

import { isDerivationPath, parseStorePath } from '../../domain/nix/store-path.ts';
import { ParseError, quote } from '../../domain/parse-error.ts';
import { explainError, isRefused, limitMessage } from './nix-error.ts';
import type { Outbox } from './outbox.ts';
import type { EvaluatedItem, EvaluatedJob } from './types.ts';

/** An expression may warn thousands of times. */
const MAX_WARNINGS = 100;

export interface Reporter {
  job(job: Omit<EvaluatedJob, 'kind'>): void;
  error(attrPath: readonly string[], message: string): void;
  /** Passes each warning on once. */
  warn(message: string): void;
}

export function createReporter(
  outbox: Outbox,
  stripPrefix: readonly string[],
  onWarning: (message: string) => void,
): Reporter {
  const warned = new Set<string>();
  const stripped = (attrPath: readonly string[]): readonly string[] =>
    stripPrefix.every((name, index) => attrPath[index] === name)
      ? attrPath.slice(stripPrefix.length)
      : attrPath;
  const add = (item: EvaluatedItem): void => outbox.add({ ...item, attrPath: stripped(item.attrPath) });
  const reporter: Reporter = {
    job: (job) => {
      if (isDerivation(job.drvPath)) add({ kind: 'job', ...job });
      // An attribute set that says of itself that it is a derivation may hold anything.
      else
        reporter.error(
          job.attrPath,
          `error: drvPath is ${quote(job.drvPath)}, which is no derivation in the store`,
        );
    },
    error: (attrPath, message) =>
      add({
        kind: 'error',
        attrPath,
        refused: isRefused(message),
        message: explainError(limitMessage(message)),
      }),
    warn: (message) => {
      if (warned.has(message) || warned.size >= MAX_WARNINGS) return;
      warned.add(message);
      onWarning(message);
    },
  };
  return reporter;
}

function isDerivation(path: string): boolean {
  try {
    return isDerivationPath(parseStorePath(path));
  } catch (error) {
    if (error instanceof ParseError) return false;
    throw error;
  }
}
