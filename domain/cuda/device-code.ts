/** The device code of a file of any kind, and which GPUs it runs on. */

import {
  type Architecture,
  capabilityOf,
  type ComputeCapability,
  cubinRunsOn,
  type DeviceCode,
  isArchitecture,
  ptxRunsOn,
} from '../ci/architecture.ts';
import { isArchive, listArchive } from '../elf/archive.ts';
import { type ByteSource, sliceSource } from '../elf/byte-source.ts';
import { type ElfFile, ELF_TYPE, isElf, parseElf, SECTION_TYPE, SEGMENT_TYPE } from '../elf/elf.ts';
import { CUDA_MACHINE, cubinArchitecture } from './cubin.ts';
import {
  type Compression,
  type DeviceImage,
  findMagic,
  type ImageKind,
  isFatBinary,
  parseFatBinaries,
} from './fat-binary.ts';

/** What the driver loads as one: of its images it takes the best for the GPU, and fails where none runs there. */
export interface DeviceModule {
  /** A section, a member of an archive, or `file`. */
  readonly where: string;
  readonly images: readonly DeviceImage[];
}

const FORMAT = 'device code';
/** `__nv_relfatbin` of a linked program holds the parts of which its `.nv_fatbin` was linked: no code that is loaded. */
const LINKED = '.nv_fatbin';
const RELOCATABLE = '__nv_relfatbin';

/** All modules of a program, library, object file, static library, fat binary or cubin. @throws ParseError */
export function findDeviceCode(source: ByteSource): DeviceModule[] {
  if (isFatBinary(source)) return modulesOf('file', source);
  if (isArchive(source))
    return listArchive(source).flatMap((member) =>
      isElf(member.source)
        ? ofElf(parseElf(member.source)).map((module) => ({
            ...module,
            where: `${member.name}:${module.where}`,
          }))
        : [],
    );
  return isElf(source) ? ofElf(parseElf(source)) : [];
}

/** As `findDeviceCode`, of a file that was parsed already. @throws ParseError */
export function ofElf(elf: ElfFile): DeviceModule[] {
  if (elf.machine === CUDA_MACHINE)
    return [
      {
        where: 'file',
        images: [
          imageOfFile(elf.source, {
            kind: 'cubin',
            architecture: cubinArchitecture(elf),
            ptxVersion: undefined,
          }),
        ],
      },
    ];
  const regions = regionsOf(elf);
  const linked = elf.type === ELF_TYPE.relocatable ? [LINKED, RELOCATABLE] : [LINKED];
  const named = regions.filter(({ name }) => linked.includes(name));
  const elsewhere = regions.filter(({ name }) => name !== LINKED && name !== RELOCATABLE);
  return [
    ...named.flatMap((region) => modulesOf(region.name, region.source)),
    // Programs that load code by the driver's API carry it as data (`bin2c`); where the bytes merely look so, they are none.
    ...elsewhere.flatMap(({ name, source }) => embedded(name, source)),
  ];
}

interface Region {
  readonly name: string;
  readonly source: ByteSource;
}

const DATA_SECTIONS = ['.rodata', '.data', '.data.rel.ro', '.lrodata', '.ldata'];

/** Sections that may hold device code; of a file without section headers its segments. */
function regionsOf(elf: ElfFile): Region[] {
  if (elf.sections.length === 0)
    return elf.segments
      .filter(({ type }) => type === SEGMENT_TYPE.load)
      .map(({ offset, fileSize }, index) => ({
        name: `segment ${index}`,
        source: sliceSource(elf.source, FORMAT, offset, fileSize),
      }));
  return elf.sections
    .filter(
      ({ name, type }) =>
        type !== SECTION_TYPE.noBits &&
        (name === LINKED || name === RELOCATABLE || DATA_SECTIONS.includes(name)),
    )
    .map(({ name, offset, size }) => ({ name, source: sliceSource(elf.source, FORMAT, offset, size) }));
}

function modulesOf(where: string, source: ByteSource): DeviceModule[] {
  return parseFatBinaries(source).map(({ images }) => ({ where, images }));
}

function embedded(where: string, source: ByteSource): DeviceModule[] {
  const start = findMagic(source, 0);
  if (start === undefined) return [];
  try {
    return modulesOf(where, sliceSource(source, FORMAT, start, source.size - start));
  } catch {
    return [];
  }
}

function imageOfFile(
  source: ByteSource,
  what: Pick<DeviceImage, 'kind' | 'architecture' | 'ptxVersion'>,
): DeviceImage {
  const sizes = { bytes: source.size, unpackedBytes: source.size };
  return {
    ...what,
    ...sizes,
    compression: 'none',
    payload: { source, offset: 0, ...sizes, compression: 'none', encrypted: false },
  };
}

/** PTX in a file of its own; nothing for any other text. */
export function moduleOfPtx(source: ByteSource): DeviceModule[] {
  const text = new TextDecoder('latin1').decode(source.read(0, Math.min(source.size, PTX_HEADER_BYTES)));
  const ptxVersion = /^\s*\.version\s+(\d+\.\d+)/m.exec(text)?.[1];
  const architecture = /^\s*\.target\s+(sm_\w+)/m.exec(text)?.[1];
  if (ptxVersion === undefined || architecture === undefined || !isArchitecture(architecture)) return [];
  return [{ where: 'file', images: [imageOfFile(source, { kind: 'ptx', architecture, ptxVersion })] }];
}

/** Version and target come first, after comments only. */
const PTX_HEADER_BYTES = 64 * 1024;

export interface ImageCount {
  readonly kind: ImageKind;
  readonly architecture: Architecture;
  readonly ptxVersion: string | null;
  readonly images: number;
  readonly bytes: number;
  readonly compression: readonly Compression[];
}

/** Images by kind, architecture and PTX version, in the order of architectures. */
export function countImages(modules: readonly DeviceModule[]): ImageCount[] {
  const counts = new Map<string, DeviceImage[]>();
  for (const { images } of modules)
    for (const image of images) {
      const key = `${image.kind} ${image.architecture} ${image.ptxVersion ?? ''}`;
      const known = counts.get(key);
      if (known === undefined) counts.set(key, [image]);
      else known.push(image);
    }
  const all = [...counts.values()].map(([first, ...rest]): ImageCount => {
    const images = [first as DeviceImage, ...rest];
    return {
      kind: (first as DeviceImage).kind,
      architecture: (first as DeviceImage).architecture,
      ptxVersion: first?.ptxVersion ?? null,
      images: images.length,
      bytes: images.reduce((sum, { bytes }) => sum + bytes, 0),
      compression: [...new Set(images.map(({ compression }) => compression))].toSorted(),
    };
  });
  return all.toSorted(
    (a, b) =>
      a.architecture.localeCompare(b.architecture, 'en', { numeric: true }) || a.kind.localeCompare(b.kind),
  );
}

/** Whether device code runs on GPUs of one capability, and how. */
export interface CapabilityAnswer {
  readonly capability: ComputeCapability;
  /** The best that any module offers; `none` where no module runs. */
  readonly how: DeviceCode;
  /** By what: `sm_86`, or `compute_90` of PTX. */
  readonly by: string | null;
  /** Modules by how each runs: a library may have kernels for some GPUs that it does not need on others. */
  readonly modules: Readonly<Record<DeviceCode, number>>;
  /** Where only PTX runs: the CUDA version from which on a driver can compile it. */
  readonly driverFrom: string | null;
}

/** By the rules of domain/ci/architecture.ts, for each module as the driver decides. */
export function answerFor(modules: readonly DeviceModule[], capability: ComputeCapability): CapabilityAnswer {
  const counts = { cubin: 0, ptx: 0, none: 0 };
  let cubin: string | null = null;
  let ptx: DeviceImage | undefined;
  for (const { images } of modules) {
    if (images.length === 0) continue;
    const runs = images.findLast(
      (image) => image.kind === 'cubin' && cubinRunsOn(capabilityOf(image.architecture), capability),
    );
    const compiled = images.findLast(
      (image) => image.kind === 'ptx' && ptxRunsOn(capabilityOf(image.architecture), capability),
    );
    counts[runs !== undefined ? 'cubin' : compiled !== undefined ? 'ptx' : 'none']++;
    if (runs !== undefined) cubin = runs.architecture;
    else ptx = compiled ?? ptx;
  }
  const how = counts.cubin > 0 ? 'cubin' : counts.ptx > 0 ? 'ptx' : 'none';
  return {
    capability,
    how,
    by:
      how === 'cubin' ? cubin : how === 'ptx' ? (ptx?.architecture.replace('sm_', 'compute_') ?? null) : null,
    modules: counts,
    driverFrom: counts.ptx > 0 && ptx?.ptxVersion !== undefined ? cudaOfPtx(ptx.ptxVersion) : null,
  };
}

/**
 * The first CUDA version whose driver compiles PTX of a version; `null` for one that this table does not know.
 * Source: PTX ISA, "Release Notes": but for three versions, CUDA's number plus four.
 */
export function cudaOfPtx(version: string): string | null {
  const special: Readonly<Record<string, string>> = { '8.6': '12.7', '8.7': '12.8', '8.8': '12.9' };
  const [major = 0, minor = 0] = version.split('.').map(Number);
  if (special[version] !== undefined) return special[version];
  return major < 7 ? null : `${major + 4}.${minor}`;
}
