/** Inspects a store path, folder, file or wheel without a GPU: device code, loading, closure. */

import { realpathSync } from 'node:fs';
import type { ComputeCapability } from '../../domain/ci/architecture.ts';
import { CUDA_MACHINE } from '../../domain/cuda/cubin.ts';
import {
  answerFor,
  countImages,
  type DeviceModule,
  findDeviceCode,
  moduleOfPtx,
  ofElf,
} from '../../domain/cuda/device-code.ts';
import { isFatBinary } from '../../domain/cuda/fat-binary.ts';
import { isArchive } from '../../domain/elf/archive.ts';
import { type DynamicObject, parseDynamic } from '../../domain/elf/dynamic.ts';
import { ELF_TYPE, isElf, parseElf } from '../../domain/elf/elf.ts';
import {
  coverageOf,
  type DeviceCodeOfFile,
  type FileDeviceCode,
  judgeDeviceCode,
} from '../../domain/inspect/device-code.ts';
import type { Finding } from '../../domain/inspect/finding.ts';
import { pythonModuleOf } from '../../domain/inspect/python.ts';
import type { FileKind, InspectedFile, InspectionReport } from '../../domain/inspect/report.ts';
import { ParseError } from '../../domain/parse-error.ts';
import { createLoading, type LoadingOptions } from './loading.ts';
import { createTree, isWheel, type Tree, type TreeFile } from './tree.ts';

export interface InspectOptions extends LoadingOptions {
  readonly capabilities: readonly ComputeCapability[];
}

export type InspectedFiles = Pick<InspectionReport, 'files' | 'libraries' | 'coverage' | 'findings'>;

/** Reads every file below `path`. A damaged file is a finding, and the others are inspected all the same. */
export function inspectFiles(path: string, options: InspectOptions): InspectedFiles {
  using tree = createTree();
  const { inspect: inspector, listLibraries } = createInspector(tree, options);
  const files: InspectedFile[] = [];
  const findings: Finding[] = [];
  const add = (file: TreeFile): void => {
    const result = guard(file.path, () => inspector(file));
    if (result.file !== undefined) files.push(result.file);
    findings.push(...result.findings);
  };
  for (const file of tree.list(realpathSync(path))) {
    if (!isWheel(file)) {
      add(file);
      continue;
    }
    const before = files.length;
    const wheel = guard(file.path, () => {
      // All members are known before the first is loaded: libraries of a wheel find each other.
      for (const member of [...tree.listWheel(file)]) add(member);
      return { file: undefined, findings: [] };
    });
    findings.push(...wheel.findings);
    files.splice(before, 0, {
      path: file.path,
      kind: 'wheel',
      python: null,
      needed: [],
      deviceCode: null,
    });
  }
  const own = files.flatMap(({ path: at, deviceCode, kind }) =>
    // Object files and static libraries are no programs: what is linked from them may leave code out.
    deviceCode === null || kind === 'object' || kind === 'static-library' ? [] : [{ path: at, deviceCode }],
  );
  const libraries = listLibraries(new Set(files.map((file) => file.path)));
  return {
    files,
    libraries,
    coverage: coverageOf([...own, ...libraries], options.capabilities),
    findings: unique([...findings, ...libraries.flatMap(judgeDeviceCode)]),
  };
}

interface FileResult {
  readonly file: InspectedFile | undefined;
  readonly findings: readonly Finding[];
}

function guard(path: string, inspect: () => FileResult): FileResult {
  try {
    return inspect();
  } catch (error) {
    if (!(error instanceof ParseError)) throw error;
    return {
      file: undefined,
      findings: [
        {
          severity: 'notice',
          class: 'build-output',
          subclass: 'damaged-file',
          file: path,
          message: `${path} cannot be read: ${error.message}.`,
        },
      ],
    };
  }
}

/** What one library of several programs lacks is said once. */
function unique(findings: readonly Finding[]): Finding[] {
  return [...new Map(findings.map((one) => [`${one.file}\n${one.message}`, one])).values()];
}

interface Inspector {
  readonly inspect: (file: TreeFile) => FileResult;
  /** Of what was inspected so far: the libraries with device code that it loads, without those named. */
  readonly listLibraries: (except: ReadonlySet<string>) => DeviceCodeOfFile[];
}

function createInspector(tree: Tree, options: InspectOptions): Inspector {
  const loadedObjects = new Map<string, DynamicObject>();
  const loadingOf = createLoading(tree, options, (loaded) => {
    for (const one of loaded.objects) loadedObjects.set(one.realPath, one.object);
  });
  const deviceCodeOf = (modules: readonly DeviceModule[]): FileDeviceCode | null =>
    modules.length === 0
      ? null
      : {
          modules: modules.length,
          images: countImages(modules),
          answers: options.capabilities.map((capability) => answerFor(modules, capability)),
        };
  const report = (file: TreeFile, kind: FileKind, modules: readonly DeviceModule[]): FileResult => {
    const deviceCode = deviceCodeOf(modules);
    if (deviceCode === null && kind !== 'program' && kind !== 'library')
      return { file: undefined, findings: [] };
    const isWhole = kind !== 'object' && kind !== 'static-library';
    return {
      file: { path: file.path, kind, python: pythonModuleOf(file.path), needed: [], deviceCode },
      findings: deviceCode === null || !isWhole ? [] : judgeDeviceCode({ path: file.path, deviceCode }),
    };
  };
  const inspect = (file: TreeFile): FileResult => {
    const { source, path } = file;
    if (isFatBinary(source)) return report(file, 'fat-binary', findDeviceCode(source));
    if (isArchive(source)) return report(file, 'static-library', findDeviceCode(source));
    if (path.endsWith('.ptx')) return report(file, 'ptx', moduleOfPtx(source));
    if (!isElf(source)) return { file: undefined, findings: [] };
    const elf = parseElf(source);
    const modules = findDeviceCode(source);
    if (elf.machine === CUDA_MACHINE) return report(file, 'cubin', modules);
    const object = parseDynamic(elf);
    if (object === undefined)
      return report(file, elf.type === ELF_TYPE.relocatable ? 'object' : 'program', modules);
    const kind = object.interpreter === undefined ? 'library' : 'program';
    const { file: inspected, findings } = report(file, kind, modules);
    const loading = loadingOf(path, object);
    return {
      file: inspected === undefined ? undefined : { ...inspected, needed: loading.needed },
      findings: [...findings, ...loading.findings],
    };
  };

  const listLibraries = (except: ReadonlySet<string>): DeviceCodeOfFile[] =>
    [...loadedObjects].flatMap(([path, object]) => {
      const deviceCode = except.has(path) ? null : deviceCodeOf(ofElf(object.elf));
      return deviceCode === null ? [] : [{ path, deviceCode }];
    });
  return { inspect, listLibraries };
}
