/** Evaluation by nix-eval-jobs: its lines as items, and our own walk for the GPU checks that it does not look for. */

import { parseEvalLine, type EvalLine } from '../../../domain/nix/eval-line.ts';
import { isObject } from '../../../domain/nix/json.ts';
import { readMeta } from '../meta.ts';
import { findNixError, findWarnings, limitMessage } from '../nix-error.ts';
import { type ProcessEnd, runProcess } from '../process.ts';
import { describePath, MAX_DEPTH, readExpression } from '../request.ts';
import { walkBelow } from '../walk/below.ts';
import { describeTooMany, type WalkTools } from '../walk/state.ts';
import type { Walk } from '../walk/walk.ts';
import { createWorkItem, type WorkItem } from '../walk/work.ts';

export interface NixEvalJobsTools extends WalkTools {
  readonly walk: Walk;
}

/**
 * Evaluates with the nix-eval-jobs at `path`.
 * Arguments, places to begin, loops and aggregates are ours (jobs.nix, apply.nix), so that both evaluators answer alike.
 * `--constituents` is not used: it rewrites the derivations of aggregates.
 * @returns false where this nix-eval-jobs does not know an option of ours (Lix has one of its own), and nothing was found.
 */
export async function evaluateWithNixEvalJobs(path: string, tools: NixEvalJobsTools): Promise<boolean> {
  const { request, reporter, stop, walk } = tools;
  // What is wrong with the root is said better by our own walk.
  await walkBelow(request, walk, stop, 'probe');
  if (stop.signal.aborted) return true;
  const found: Found = { lines: 0, withChecks: [], fatal: null };
  const end = await runProcess({
    argv: [path, ...optionsOf(tools)],
    folder: tools.nix.folder,
    environment: { ...tools.environment, NO_COLOR: '1' },
    stdout: (line) => {
      if (stop.signal.aborted || line.trim() === '') return;
      try {
        followLine(parseEvalLine(line), found, tools);
      } catch (error) {
        stop.fail(error);
      }
    },
    stderr: (line) => {
      for (const warning of findWarnings(line)) reporter.warn(warning);
      return false;
    },
    signal: stop.signal,
    graceMs: tools.nix.graceMs,
  });
  if (stop.signal.aborted) return true;
  if (end.exit !== 0 && found.lines === 0 && end.text.includes('unrecognised flag')) {
    reporter.warn(`${path} is not used: ${findNixError(end.text) ?? end.text.trim()}`);
    return false;
  }
  const problem = describeEnd(path, end, found);
  if (problem !== null) stop.end(problem);
  else await walk.run(found.withChecks);
  return true;
}

function optionsOf({ request, nix }: NixEvalJobsTools): string[] {
  const fields = {
    ...nix.fields,
    below: request.below,
    maxDepth: MAX_DEPTH,
    tooDeep: `not entered: more than ${MAX_DEPTH} attribute sets deep, so probably without an end`,
  };
  const options: Record<string, string> = {
    '--workers': String(request.workers),
    '--max-memory-size': String(request.memoryMiB),
    '--apply': readExpression('nix-eval-jobs/apply.nix'),
  };
  return [
    '--meta',
    ...(request.recurse === 'all' ? ['--force-recurse'] : []),
    ...nix.settings,
    ...nix.argOptions,
    '--argstr',
    'request',
    JSON.stringify(fields),
    ...Object.entries(options).flat(),
    // Says what the last argument is, rather than having one.
    '--expr',
    readExpression('nix-eval-jobs/jobs.nix'),
  ];
}

interface Found {
  lines: number;
  /** Derivations, and attributes that may be refused derivations, whose checks are still to be sought. */
  readonly withChecks: WorkItem[];
  fatal: string | null;
}

function followLine(line: EvalLine, found: Found, { request, reporter, stop }: NixEvalJobsTools): void {
  found.lines++;
  if (found.lines > request.maxAttributes) return stop.end(describeTooMany(request, line.attrPath));
  for (const warning of line.warnings) reporter.warn(`${describePath(line.attrPath)}: ${warning}`);
  const checks = createWorkItem(line.attrPath, { want: 'checks' });
  if (line.kind === 'error') {
    if (line.error.fatal) found.fatal = line.error.text;
    reporter.error(line.attrPath, line.error.text.trim());
    found.withChecks.push(checks);
    return;
  }
  const extra = isObject(line.job.extraValue) ? line.job.extraValue : {};
  if (line.kind === 'broken-aggregate') reporter.error(line.attrPath, line.error.text.trim());
  const constituents = extra['constituents'];
  reporter.job({
    attrPath: line.attrPath,
    drvPath: line.job.drvPath,
    nixName: line.job.name,
    system: line.job.system,
    meta: readMeta(line.job.meta ?? {}),
    ...(Array.isArray(constituents) ? { constituents: constituents.map(String) } : {}),
  });
  if (extra['mayHaveChecks'] !== false) found.withChecks.push(checks);
}

/** Null where it has walked everything. */
function describeEnd(
  path: string,
  { exit, killedBy, text }: ProcessEnd,
  { fatal, lines }: Found,
): string | null {
  if (exit === 0 && fatal === null) return null;
  const how = killedBy === null ? `ended with status ${exit}` : `was killed by ${killedBy}`;
  const why = fatal ?? findNixError(text) ?? limitMessage(text.trim().slice(-2_000));
  return `${path} ${how} after ${lines} attributes, so the evaluation is incomplete: ${why}`;
}
