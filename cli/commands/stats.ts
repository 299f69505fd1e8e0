/** `nixwarp stats`: what a history of sizes and timings says, without a server. */

import {
  type LimitsLine,
  parseMeasurementLine,
  type SampleLine,
  type SizeLine,
} from '../../domain/api/measurement.ts';
import {
  type JudgedSeries,
  type JudgedSize,
  judgeSeries,
  judgeSizes,
} from '../../domain/ci/regression/judge-history.ts';
import { DEFAULT_LIMITS } from '../../domain/ci/regression/performance.ts';
import { DEFAULT_SIZE_LIMITS } from '../../domain/ci/regression/size.ts';
import { ParseError } from '../../domain/parse-error.ts';
import { EXIT } from '../exit.ts';
import { type Paint, paintFor } from '../run/format.ts';
import { linesOf, openInput } from '../verdicts/input.ts';

interface StatsOfSeries {
  readonly series: string;
  readonly jobset: string | null;
  readonly sizes: readonly JudgedSize[];
  readonly performance: JudgedSeries | null;
}

/** Exit status 1 where the newest evaluation of a series is a regression. */
export async function stats(file: string, { json = false }: { json?: boolean }): Promise<number> {
  const all = judge(await readMeasurements(file));
  if (json) process.stdout.write(`${JSON.stringify({ version: 1, series: all }, null, 2)}\n`);
  else {
    const paint = paintFor(process.stdout);
    process.stdout.write(all.map((one) => `${[...describe(one, paint)].join('\n')}\n`).join(''));
  }
  return all.some(isRegression) ? EXIT.failed : EXIT.ok;
}

interface Measurements {
  readonly sizes: readonly SizeLine[];
  readonly samples: readonly SampleLine[];
  readonly limits: ReadonlyMap<string | undefined, LimitsLine>;
}

async function readMeasurements(file: string): Promise<Measurements> {
  const sizes: SizeLine[] = [];
  const samples: SampleLine[] = [];
  const limits = new Map<string | undefined, LimitsLine>();
  let number = 0;
  for await (const line of linesOf(await openInput(file))) {
    number++;
    if (line.trim() === '') continue;
    const what = `${file}, line ${number}`;
    const record = parseMeasurementLine(parseLine(line, what), what);
    switch (record.kind) {
      case 'size':
        sizes.push(record);
        break;
      case 'sample':
        samples.push(record);
        break;
      case 'limits':
        limits.set(record.jobset, record);
    }
  }
  return { sizes, samples, limits };
}

function parseLine(line: string, what: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    throw new ParseError(what, line, 'JSON');
  }
}

function judge({ sizes, samples, limits }: Measurements): StatsOfSeries[] {
  const series = Map.groupBy<string, SizeLine | SampleLine>([...sizes, ...samples], (line) =>
    JSON.stringify([line.jobset ?? null, line.series]),
  );
  return [...series].map(([key, lines]) => {
    const [jobset, name] = JSON.parse(key) as [string | null, string];
    const own = limits.get(jobset ?? undefined);
    const mySamples = lines.filter((line): line is SampleLine => line.kind === 'sample');
    return {
      series: name,
      jobset,
      sizes: judgeSizes(
        lines.filter((line): line is SizeLine => line.kind === 'size'),
        { ...DEFAULT_SIZE_LIMITS, ...own?.size },
      ),
      performance:
        mySamples.length === 0 ? null : judgeSeries(mySamples, { ...DEFAULT_LIMITS, ...own?.performance }),
    };
  });
}

function isRegression({ sizes, performance }: StatsOfSeries): boolean {
  const size = sizes.at(-1);
  return (
    size?.closure?.verdict === 'red' ||
    size?.nar?.verdict === 'red' ||
    (performance?.evaluations.at(-1)?.alarm ?? null) !== null
  );
}

const percent = (share: number): string => `${share < 0 ? '−' : '+'}${(100 * Math.abs(share)).toFixed(1)} %`;

function* describe({ series, jobset, sizes, performance }: StatsOfSeries, paint: Paint): Iterable<string> {
  yield paint.strong(jobset === null ? series : `${jobset} ${series}`);
  for (const { evaluation, closure, nar } of sizes)
    for (const [kind, result] of [
      ['closure', closure],
      ['NAR', nar],
    ] as const) {
      if (result === null) continue;
      const text = `  ${evaluation}: ${kind} ${result.verdict}, ${result.reason}`;
      if (result.verdict === 'red') yield paint.bad(text);
      else if (result.verdict === 'fine') yield paint.quiet(text);
      else yield text;
    }
  for (const { evaluation, result, alarm } of performance?.evaluations ?? []) {
    const rejected = Object.entries(result.rejected).map(([reason, count]) => `${count} × ${reason}`);
    const numbers =
      result.slowdown === null
        ? ''
        : `, ${percent(result.slowdown)} time, p ${result.p?.toPrecision(2)}, delta ${result.delta?.toFixed(2)}`;
    const left = rejected.length === 0 ? '' : `, left out: ${rejected.join(', ')}`;
    const text = `  ${evaluation}: ${alarm === 'gradual' ? 'regression over several evaluations' : result.verdict}${numbers}${left}`;
    yield alarm === null ? paint.quiet(text) : paint.bad(text);
  }
  for (const { evaluation, change, cause, p } of performance?.changes ?? [])
    yield `  ${evaluation}: values change by ${percent(change)} (${cause}${cause === 'driver-change' ? '' : `, p ${p}`})`;
}
