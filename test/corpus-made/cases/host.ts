/** What a host does to a build: memory, disk, limits. */

import { madeCases } from '../case.ts';

/** Runs a command in a memory cgroup (version 1) of so many MiB. */
const within = (mebibytes: number, command: string): string =>
  `g=/sys/fs/cgroup/memory/nixwarp-made-$$; mkdir $g; echo ${mebibytes}M > $g/memory.limit_in_bytes; ` +
  `sh -c 'echo $$ > '$g'/cgroup.procs; ${command}' || true; rmdir $g`;
/** Runs a command in a file system of its own. */
const on = (options: string, command: string): string =>
  `mkdir small; mount -t tmpfs -o ${options} none small; (cd small; ${command}) || true; umount small`;
const BIG = { 'a.py': 'x = [bytearray(1 << 20) for _ in range(4096)]\n' };

export const HOST_CASES = [
  ...madeCases(
    'build',
    ['memory-cgroup'],
    [
      ['oom-python', 'infra/oom-kill', within(32, 'python a.py; echo "exit $?"'), BIG, ['python']],
      [
        'oom-bash',
        'infra/oom-kill',
        within(32, 'bash b.sh'),
        { ...BIG, 'b.sh': 'python a.py\necho "python ended with $?"\nexit 1\n' },
        ['python'],
      ],
      [
        'oom-gcc',
        'infra/oom-kill',
        within(48, 'gcc -O2 -c a.c'),
        { 'a.c': `int a[] = {\n${'1,1,1,1,1,1,1,1,\n'.repeat(75_000)}0};\n` },
        ['gcc'],
      ],
      [
        'oom-make',
        'infra/oom-kill',
        within(48, 'make -j2'),
        {
          Makefile: 'all: a.o\n%.o: %.c\n\tgcc -O2 -c $<\n',
          'a.c': `int a[] = {\n${'1,1,1,1,1,1,1,1,\n'.repeat(75_000)}0};\n`,
        },
        ['gcc', 'make'],
      ],
      [
        'oom-ninja',
        'infra/oom-kill',
        within(48, 'ninja'),
        {
          'build.ninja': 'rule cc\n  command = g++ -c $in -o $out\nbuild a.o: cc a.cc\n',
          'a.cc': `int a[] = {\n${'1,1,1,1,1,1,1,1,\n'.repeat(75_000)}0};\n`,
        },
        ['g++', 'ninja'],
      ],
      [
        'oom-pytest',
        'infra/oom-kill',
        within(96, 'python -m pytest -p no:cacheprovider'),
        { 'test_a.py': 'def test_a():\n    x = [bytearray(1 << 20) for _ in range(4096)]\n' },
        ['python'],
      ],
    ],
  ),
  ...madeCases(
    'build',
    ['mount'],
    [
      ['full-cp', 'infra/disk-full', on('size=64k', 'cp /bin/bash .')],
      ['full-tar', 'infra/disk-full', on('size=64k', 'tar -C /usr/bin -cf - bash | tar -xf -')],
      [
        'full-gcc',
        'infra/disk-full',
        on('size=16k', 'TMPDIR=$PWD gcc -c ../a.c'),
        { 'a.c': `int a[] = {\n${'1,1,1,1,1,1,1,1,\n'.repeat(8_000)}0};\n` },
        ['gcc'],
      ],
      [
        'full-python',
        'infra/disk-full',
        on('size=64k', `python -c "open('x', 'wb').write(bytes(1 << 20))"`),
        {},
        ['python'],
      ],
      ['full-shell', 'infra/disk-full', on('size=16k', 'head -c 100000 /dev/zero | cat > x')],
      ['full-install', 'infra/disk-full', on('size=64k', 'install -m 755 /bin/bash bash')],
      [
        'full-git',
        'infra/disk-full',
        on('size=64k', 'git init -q . || true; head -c 300000 /dev/urandom | git hash-object -w --stdin'),
      ],
      [
        'full-cargo',
        'infra/disk-full',
        on('size=200k', 'cp -r ../Cargo.toml ../src .; cargo build --offline'),
        {
          'Cargo.toml': '[package]\nname = "made"\nversion = "0.1.0"\nedition = "2021"\n',
          'src/main.rs': 'fn main() {}\n',
        },
        ['cargo', 'gcc'],
      ],
      [
        'full-ld',
        'infra/disk-full',
        on('size=8k', 'gcc ../a.c -o a'),
        { 'a.c': 'int main(void) { return 0; }\n' },
        ['gcc'],
      ],
      ['inodes-mkdir', 'infra/disk-full-inodes', on('nr_inodes=3', 'mkdir a b c d')],
      [
        'inodes-tar',
        'infra/disk-full-inodes',
        on('nr_inodes=3', 'tar -C /etc -cf - hostname passwd group shells | tar -xf -'),
      ],
      ['read-only', 'build-sandbox/store-write-denied', on('ro', 'mkdir -p cache/torch')],
      [
        'read-only-python',
        'build-sandbox/store-write-denied',
        on('ro', `python -c "import os; os.makedirs('cache/torch')"`),
        {},
        ['python'],
      ],
    ],
  ),
  ...madeCases(
    'build',
    ['python'],
    [
      [
        'open-files',
        'infra/process-limit',
        `ulimit -n 16; python -c "x = [open('/dev/null') for _ in range(64)]"`,
      ],
      [
        'file-size',
        'infra/file-size-limit',
        'ulimit -f 8; head -c 1000000 /dev/zero > x; echo "head: $?"; bash -c "head -c 1000000 /dev/zero > y"',
      ],
      ['memory-limit-python', 'infra/oom-kill', `ulimit -v 400000; python -c "x = bytearray(1 << 30)"`],
    ],
  ),
];
