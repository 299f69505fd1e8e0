/** `nixwarp inspect`: what a store path, file or wheel needs and which GPUs it runs on, without a GPU. */

import { realpathSync } from 'node:fs';
import { inspectClosure } from '../../activities/inspect/closure.ts';
import { inspectFiles } from '../../activities/inspect/inspect.ts';
import { createStoreQueries } from '../../activities/adapters/store-queries.ts';
import { parseComputeCapability } from '../../domain/ci/architecture.ts';
import type { ClosureDifference } from '../../domain/inspect/closure.ts';
import type { FileDeviceCode } from '../../domain/inspect/device-code.ts';
import type { InspectedFile, InspectionReport } from '../../domain/inspect/report.ts';
import { parseStorePath, type StorePath } from '../../domain/nix/store-path.ts';
import type { CliConfig } from '../config.ts';
import { CommandFailure, EXIT } from '../exit.ts';
import { byteSize, type Paint, paintFor } from '../run/format.ts';

export interface InspectCommandOptions {
  readonly capability?: readonly string[];
  readonly before?: string;
  readonly json?: boolean;
}

/** Exit status 1 where there is a fault: what is inspected fails where it is used, or holds a build tool. */
export async function inspect(
  config: CliConfig,
  path: string,
  { capability = [], before, json = false }: InspectCommandOptions,
): Promise<number> {
  const report = await inspectPath(config, path, { capability, before });
  if (json) process.stdout.write(`${JSON.stringify(report, null, 2)}\n`);
  else for (const line of describe(report, paintFor(process.stdout))) process.stdout.write(`${line}\n`);
  return report.findings.some(({ severity }) => severity === 'fault') ? EXIT.failed : EXIT.ok;
}

async function inspectPath(
  config: CliConfig,
  given: string,
  { capability, before }: { capability: readonly string[]; before: string | undefined },
): Promise<InspectionReport> {
  const capabilities = capability.flatMap((text) => text.split(/[,;\s]+/)).map(parseComputeCapability);
  const path = realPathOf(given);
  const storeDir = config.environment['NIX_STORE_DIR'] ?? '/nix/store';
  const storePath = storePathOf(path, storeDir);
  if (before !== undefined && storePath === undefined)
    throw new CommandFailure(EXIT.usage, `--before compares closures, and ${path} is no store path`);
  await using store = createStoreQueries({ prefix: [], environment: definedOf(config.environment) });
  const inspected =
    storePath === undefined
      ? undefined
      : await inspectClosure(
          store,
          storePath,
          before === undefined ? undefined : parseStorePath(realPathOf(before), storeDir),
        );
  const { files, libraries, coverage, findings } = inspectFiles(path, {
    capabilities,
    storeDir,
    ...(inspected?.glibcFolder !== undefined && { glibcFolder: inspected.glibcFolder }),
  });
  return {
    version: 1,
    path,
    files,
    libraries,
    coverage,
    closure: inspected?.closure ?? null,
    findings: [...(inspected?.findings ?? []), ...findings],
  };
}

function realPathOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    throw new CommandFailure(EXIT.usage, `there is no file or store path ${path}`);
  }
}

/** A child's environment has no undefined values. */
function definedOf(environment: CliConfig['environment']): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}

/** Of a whole store path; a file within one is inspected by itself. */
function storePathOf(path: string, storeDir: string): StorePath | undefined {
  return path.startsWith(`${storeDir}/`) && !path.slice(storeDir.length + 1).includes('/')
    ? parseStorePath(path, storeDir)
    : undefined;
}

function* describe(report: InspectionReport, paint: Paint): Iterable<string> {
  yield paint.strong(report.path);
  for (const file of report.files) yield* describeFile(file, report.path, paint);
  for (const { path, deviceCode } of report.libraries) {
    yield `  ${path} ${paint.quiet('(loaded)')}`;
    yield describeImages(deviceCode, paint);
  }
  for (const { capability, how, without } of report.coverage) {
    const word =
      how === 'none'
        ? paint.bad('does not run')
        : how === 'ptx'
          ? 'is compiled from PTX'
          : paint.good('runs');
    yield `on ${capability}: ${word}${without.length === 0 ? '' : ` (${without.length} files without code for it)`}`;
  }
  if (report.closure !== null) {
    const { paths, closureSize, largest, buildTools, difference } = report.closure;
    yield `closure: ${paths} paths, ${byteSize(closureSize)}${buildTools.length === 0 ? '' : paint.bad(`, ${buildTools.length} build tools`)}`;
    for (const one of largest.slice(0, 5)) yield paint.quiet(`  ${byteSize(one.narSize)}  ${one.path}`);
    if (difference !== null) yield* describeDifference(difference);
  }
  for (const { severity, message, class: failureClass, subclass } of report.findings) {
    const mark = severity === 'fault' ? paint.bad('✘') : paint.quiet('·');
    yield `${mark} ${message} ${paint.quiet(`[${failureClass}/${subclass}]`)}`;
  }
}

function* describeFile(file: InspectedFile, root: string, paint: Paint): Iterable<string> {
  if (file.deviceCode === null && file.kind !== 'program' && file.kind !== 'wheel') return;
  const name = file.path.startsWith(`${root}/`) ? file.path.slice(root.length + 1) : file.path;
  const python = file.python === null ? '' : `, Python module ${file.python.module}`;
  yield `  ${name} ${paint.quiet(`(${file.kind}${python})`)}`;
  if (file.deviceCode === null) return;
  yield describeImages(file.deviceCode, paint);
}

function describeImages({ modules, images }: FileDeviceCode, paint: Paint): string {
  const texts = images.map(({ kind, architecture, ptxVersion, images: count }) => {
    const what =
      kind === 'ptx' ? `${architecture.replace('sm_', 'compute_')} (PTX ${ptxVersion})` : architecture;
    return `${what}${kind === 'cubin' || kind === 'ptx' ? '' : ` ${kind}`}${count === modules ? '' : ` ×${count}`}`;
  });
  return paint.quiet(`    ${modules} ${modules === 1 ? 'module' : 'modules'}: ${texts.join(', ')}`);
}

function* describeDifference({
  bytesBefore,
  bytesAfter,
  added,
  removed,
  changed,
}: ClosureDifference): Iterable<string> {
  yield `  ${byteSize(bytesBefore)} before, ${byteSize(bytesAfter)} now`;
  for (const { path, narSize, chain, cause } of added)
    yield `  + ${byteSize(narSize)}  ${path} (${cause}: ${chain.slice(0, -1).join(' → ')})`;
  for (const { path, narSize } of removed) yield `  - ${byteSize(narSize)}  ${path}`;
  for (const { name, bytes: grown } of changed.filter((one) => one.bytes !== 0).slice(0, 10))
    yield `  ~ ${grown < 0 ? '−' : '+'}${byteSize(Math.abs(grown))}  ${name}`;
}
