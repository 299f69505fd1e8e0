/** `npm run demo`: the whole pipeline on a real jobset, explained. */

import { join } from 'node:path';
import { parseArgs } from 'node:util';
import type { RunDocument } from '../../domain/api/runs.ts';
import { CACHE_FOLDER, type CliConfig, parseCliConfig, PROJECT_FOLDER } from '../config.ts';
import type { ApiClient } from '../client.ts';
import { CommandFailure, EXIT } from '../exit.ts';
import { duration, paintFor } from '../run/format.ts';
import { withServer } from '../run/run.ts';
import { readJobsetFile } from '../run/target.ts';
import { watchEvaluation } from '../run/watch.ts';
import { compilerPart, whyNoHostCompiler, wheelsPart } from '../setup/cuda.ts';
import { nixPart } from '../setup/nix.ts';
import { SetupFailure, setUp } from '../setup/part.ts';
import { describeStack } from '../up/describe.ts';
import type { Stack } from '../up/stack.ts';
import { untilStopped } from '../up/until-stopped.ts';
import { compareWithExpectations, type Expectations, readExpectations } from './expectations.ts';
import { prepareStandIns } from './stand-ins.ts';

const say = (message: string): void => void process.stdout.write(`${message}\n`);

interface DemoOptions {
  readonly exit: boolean;
  readonly standIns: boolean;
  readonly example: string | undefined;
}

async function demo(config: CliConfig, options: DemoOptions): Promise<number> {
  const stopped = untilStopped();
  const example = options.example ?? (await chooseExample(config));
  const folder = join(PROJECT_FOLDER, 'examples', example);
  const extra = options.standIns ? await prepareStandIns(config.stateDir, config.environment) : [];
  const work = async (client: ApiClient, stack: Stack | undefined): Promise<number> => {
    const status = await runExample(client, folder);
    for (const line of guide(client, example)) say(line);
    if (stack !== undefined) for (const line of await describeStack(stack)) say(line);
    if (options.exit) say('stopping …');
    if (options.exit || stack === undefined) return status;
    say('everything goes on serving: look around, then press Ctrl-C');
    await Promise.race([stopped, stack.hopeless]);
    say('stopping …');
    return status;
  };
  const ended = withServer(config, say, work, extra);
  // A Ctrl-C in the middle ends the demo; what was started is stopped in order by the process's end.
  return Promise.race([ended, stopped.then(() => ended)]);
}

/** Real CUDA, or, where this machine cannot build it, the small example; which and why is said. */
async function chooseExample({ environment }: CliConfig): Promise<string> {
  const context = { environment, cacheFolder: CACHE_FOLDER, say };
  await setUp([nixPart], context);
  try {
    await setUp([compilerPart, wheelsPart], context);
    const reason = await whyNoHostCompiler(context);
    if (reason === undefined) return 'cuda';
    say(`the CUDA example cannot be built here (${reason}): taking examples/minimal`);
  } catch (error) {
    if (!(error instanceof SetupFailure)) throw error;
    say(`the CUDA example cannot be built here (${error.message}): taking examples/minimal`);
  }
  return 'minimal';
}

async function runExample(client: ApiClient, folder: string): Promise<number> {
  const expectations = await readExpectations(join(folder, 'expectations.json'));
  const run = await readJobsetFile(join(folder, 'jobset.json'), 'file', {
    environment: {},
    attr: undefined,
    recurse: undefined,
  });
  say(
    `\nevaluating, building and testing ${folder}: ${expectations.jobs.length} jobs, some of them broken on purpose\n`,
  );
  const startedAt = Date.now();
  const { evaluationId, url } = await client.startRun(run);
  say(`evaluation ${evaluationId}: ${url}`);
  await watchEvaluation(client, evaluationId, { stream: process.stdout, say, verbose: false });
  const document = await client.document(evaluationId);
  say(`took ${duration((Date.now() - startedAt) / 1000)}`);
  for (const line of explainFaults(document, expectations)) say(line);
  const problems = compareWithExpectations(document, expectations);
  if (problems.length === 0) {
    say(`\n✔ all ${expectations.jobs.length} jobs ended as the example says they must`);
    return EXIT.ok;
  }
  say(`\n✘ ${problems.length} things are not as the example says they must be:`);
  for (const problem of problems) say(`  - ${problem}`);
  return EXIT.failed;
}

/** The planted faults: what nixwarp says of each, and whose it is. */
function explainFaults(document: RunDocument, { jobs, errors = [] }: Expectations): string[] {
  const paint = paintFor(process.stdout);
  const lines = ['', paint.strong('what was planted, and what nixwarp says of it:')];
  for (const expected of jobs.filter((job) => job.fault !== undefined)) {
    const job = document.jobs.find((one) => one.name === expected.name && one.variant === expected.variant);
    const verdict = job?.verdict;
    lines.push(
      '',
      `${job?.name ?? expected.name}${expected.variant === null ? '' : ` (${expected.variant})`}: ${job?.outcome ?? 'missing'}`,
    );
    lines.push(`  planted:  ${expected.fault}`);
    if (verdict != null) {
      lines.push(
        `  verdict:  ${paint.strong(`${verdict.class}/${verdict.subclass}`)} (confidence ${verdict.confidence.toFixed(2)}, rule ${verdict.rule})`,
      );
      lines.push(`  evidence: ${verdict.evidence ?? ''}`, `  advice:   ${verdict.explanation}`);
    } else if (job?.reason != null) lines.push(`  because:  ${job.reason}`);
    const victims = document.jobs.filter(
      (one) =>
        one.outcome === 'dependency-failed' &&
        one.verdict?.evidence?.includes(nixNameOf(job?.drvPath)) === true,
    );
    if (victims.length > 0) lines.push(`  takes down: ${victims.map((one) => one.name).join(', ')}`);
  }
  for (const expected of errors) {
    const error = document.errors.find((one) => one.name === expected.name);
    lines.push(
      '',
      `${expected.name}: does not evaluate`,
      `  planted:  ${expected.fault ?? ''}`,
      `  evidence: ${error?.message.split('\n')[0] ?? 'missing'}`,
    );
  }
  const stand = document.jobs.filter((job) => job.gpu.some((gpu) => gpu.standIn));
  if (stand.length > 0) {
    lines.push(
      '',
      paint.strong('GPU checks by architecture (all results of stand-in GPUs, none of a real one):'),
    );
    for (const job of stand)
      lines.push(
        `  ${job.name} (${job.variant}): ${[...job.gpu.map((gpu) => `${gpu.arch} ${gpu.outcome}`), ...job.notScheduled.map((one) => `${one.arch} not scheduled`)].join(', ')}`,
      );
  }
  return lines;
}

/** The part of a derivation's path that a person knows it by. */
function nixNameOf(drvPath = ''): string {
  return drvPath.slice(drvPath.lastIndexOf('/') + 34).replace(/\.drv$/, '');
}

function guide(client: ApiClient, example: string): string[] {
  const good = example === 'cuda' ? 'saxpy@sm_89' : 'release';
  return [
    '',
    'where to look:',
    `  the pages:        ${client.url}`,
    `  why it failed:    npx nixwarp why ${example === 'cuda' ? 'faults.compileError' : good}`,
    `  a log:            npx nixwarp log ${good}`,
    `  from the cache:   nix copy --from ${client.url} --to /tmp/empty-store … (keys are below, or on the first page)`,
  ];
}

try {
  const { values } = parseArgs({
    options: { exit: { type: 'boolean' }, 'stand-in-gpus': { type: 'boolean' }, example: { type: 'string' } },
  });
  if (values.example !== undefined && !['cuda', 'minimal'].includes(values.example))
    throw new CommandFailure(EXIT.usage, `--example ${values.example}: "cuda" or "minimal" is expected`);
  process.exitCode = await demo(parseCliConfig(), {
    exit: values.exit === true,
    standIns: values['stand-in-gpus'] === true,
    example: values.example,
  });
} catch (error) {
  process.stderr.write(`nixwarp demo: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = error instanceof CommandFailure ? error.status : EXIT.infrastructure;
}
