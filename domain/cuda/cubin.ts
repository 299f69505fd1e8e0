/** Cubins as files of their own: ELF of machine 190, whose header says what GPU they are for. */

import { type Architecture, parseArchitecture } from '../ci/architecture.ts';
import { type ElfFile, readSectionBytes } from '../elf/elf.ts';

export const CUDA_MACHINE = 190;

/**
 * What a cubin was compiled for. A family (`sm_100f`) is not recorded, such code is `sm_100` here and for `cuobjdump`.
 * Source: LLVM's BinaryFormat/ELF.h (EF_CUDA_SM, EF_CUDA_ACCELERATORS_V1) for the form up to CUDA 12; that of CUDA 13,
 * `.nv.compat`, by comparison with `cuobjdump` 13.5.
 * @throws ParseError
 */
export function cubinArchitecture(elf: ElfFile): Architecture {
  const { flags, abiVersion } = elf;
  if (abiVersion < 8)
    return parseArchitecture(`sm_${flags & 0xff}${(flags & ACCELERATORS_V1) === 0 ? '' : 'a'}`);
  return parseArchitecture(`sm_${(flags >>> 8) & 0xff}${isArchitectureSpecific(elf) ? 'a' : ''}`);
}

const ACCELERATORS_V1 = 0x800;
const ACCELERATORS = 0x8;
/** `.nv.compat` is a list of (form, attribute, value); attribute 9 is the class of instruction set, 1 "this GPU alone". */
const ISA_CLASS = 9;
const FORM_WITH_LENGTH = 4;

function isArchitectureSpecific(elf: ElfFile): boolean {
  if ((elf.flags & ACCELERATORS) !== 0) return true;
  const section = elf.sections.find(({ name }) => name === '.nv.compat');
  if (section === undefined) return false;
  const bytes = readSectionBytes(elf, section);
  for (let at = 0; at + 4 <= bytes.length;) {
    const value = (bytes[at + 2] ?? 0) | ((bytes[at + 3] ?? 0) << 8);
    if (bytes[at + 1] === ISA_CLASS) return value === 1;
    at += 4 + (bytes[at] === FORM_WITH_LENGTH ? value : 0);
  }
  return false;
}
