/** All cases of the second corpus. */

import type { MadeCase } from '../case.ts';
import { BENIGN_CASES } from './benign.ts';
import { COMPILER_CASES } from './compilers.ts';
import { CONFIGURE_CASES } from './configure.ts';
import { CUDA_CASES } from './cuda.ts';
import { HOST_CASES } from './host.ts';
import { LANGUAGE_CASES } from './languages.ts';
import { LINKER_CASES } from './linkers.ts';
import { LOADER_CASES } from './loader.ts';
import { MPI_CASES } from './mpi.ts';
import { NIX_CASES } from './nix.ts';
import { PYTHON_CASES } from './python.ts';

export const CASES: readonly MadeCase[] = [
  ...COMPILER_CASES,
  ...LINKER_CASES,
  ...CONFIGURE_CASES,
  ...LANGUAGE_CASES,
  ...PYTHON_CASES,
  ...LOADER_CASES,
  ...CUDA_CASES,
  ...MPI_CASES,
  ...NIX_CASES,
  ...HOST_CASES,
  ...BENIGN_CASES,
];
