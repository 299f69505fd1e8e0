/** The evaluator: turns a Nix file or flake into jobs and errors, as they are found. */

import { evaluateWithNixEvalJobs } from './nix-eval-jobs/evaluate.ts';
import { createOutbox } from './outbox.ts';
import { createReporter } from './reporter.ts';
import { createNixRequest, findRequestProblem } from './request.ts';
import { createStop } from './stop.ts';
import type { EvaluationEnd, EvaluationRequest, EvaluatorDeps, OnItems } from './types.ts';
import { walkBelow } from './walk/below.ts';
import { createWalk, type Walk } from './walk/walk.ts';

export { findNixEvalJobs } from './nix-eval-jobs/find.ts';
export type {
  EvaluatedItem,
  EvaluationEnd,
  EvaluationRequest,
  EvaluationRoot,
  EvaluationVariant,
  EvaluatorDeps,
} from './types.ts';

export interface Evaluator {
  /**
   * Evaluates, and hands on jobs and errors in batches while it goes on, in no certain order, one batch at a time.
   * Errors of attributes are items. What ends the evaluation early (the root, a limit) is in the result, and what was
   * found before stays. No process is left when it is over.
   * @throws the signal's reason, what `onItems` throws, and Error where Nix cannot be run.
   */
  evaluate(request: EvaluationRequest, onItems: OnItems, signal: AbortSignal): Promise<EvaluationEnd>;
}

export function createEvaluator(deps: EvaluatorDeps): Evaluator {
  return {
    evaluate: async (request, onItems, signal) => {
      const problem = findRequestProblem(request);
      if (problem !== undefined) return { complete: false, message: problem };
      let walk: Walk | undefined;
      using stop = createStop(signal, request.seconds, () => describeTimeout(request, walk?.current() ?? []));
      const outbox = createOutbox(onItems, (failure) => {
        if (failure !== undefined) stop.fail(failure.error);
        walk?.wake();
      });
      const reporter = createReporter(outbox, request.stripPrefix, deps.onWarning);
      const nix = createNixRequest(request);
      const { environment, nixEvalJobs } = deps;
      const tools = { request, nix, environment, reporter, outbox, stop };
      walk = createWalk(tools);
      try {
        const done =
          nixEvalJobs !== undefined && (await evaluateWithNixEvalJobs(nixEvalJobs, { ...tools, walk }));
        if (!done) await walkBelow(request, walk, stop);
        const message = stop.outcome();
        await outbox.drained();
        signal.throwIfAborted();
        return { complete: message === null, message };
      } finally {
        await outbox.close();
      }
    },
  };
}

function describeTimeout({ seconds }: EvaluationRequest, current: readonly string[]): string {
  const at = current.length === 0 ? '' : `; it was at ${current.join(', ')}`;
  return `the evaluation took longer than ${seconds} s, which is limits.evaluationSeconds of the jobset${at}`;
}
