/** What Open MPI says over loopback. */

import { madeCases } from '../case.ts';

const RUN = 'mpirun --allow-run-as-root --oversubscribe -n 2';
const python = (lines: string) => ({
  'a.py': `from mpi4py import MPI\ncomm = MPI.COMM_WORLD\nrank = comm.Get_rank()\n${lines}\n`,
});

export const MPI_CASES = madeCases(
  'gpu-test',
  ['mpirun', 'python'],
  [
    [
      'mpi-slots',
      'collective/mpi-not-enough-slots',
      'mpirun --allow-run-as-root --host localhost:1 -n 64 true',
    ],
    ['mpi-root', 'collective/mpi-run-as-root', 'mpirun -n 2 true'],
    ['mpi-executable', 'collective/mpi-executable-missing', `${RUN} ./no-such-program`],
    [
      'mpi-abort',
      'collective/mpi-abort',
      `${RUN} python a.py`,
      python('if rank == 1: comm.Abort(7)\ncomm.Barrier()'),
    ],
    [
      'mpi-truncate',
      'collective/mpi-error',
      `${RUN} python a.py`,
      python(
        'buffer = bytearray(4)\nif rank == 0: comm.Send(bytearray(64), dest=1)\nelse: comm.Recv(buffer, source=0)',
      ),
    ],
    ['mpi-rank', 'collective/mpi-error', `${RUN} python a.py`, python('comm.Send(bytearray(4), dest=9)')],
    [
      'mpi-segfault',
      'collective/mpi-rank-crashed',
      `${RUN} python a.py`,
      python('import ctypes\nif rank == 1: ctypes.string_at(0)\ncomm.Barrier()'),
    ],
    [
      'mpi-tmpdir',
      'collective/mpi-init-rte',
      `mkdir -p ${'long-folder-name-'.repeat(6)}; TMPDIR=$PWD/${'long-folder-name-'.repeat(6)} ${RUN} true; TMPDIR=/proc ${RUN} true`,
    ],
    [
      'mpi-host',
      'collective/mpi-rsh-missing',
      'mpirun --allow-run-as-root --host no-such-host.invalid:2 -n 2 true',
    ],
  ],
);
