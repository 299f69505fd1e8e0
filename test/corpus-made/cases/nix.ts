/** What Nix says, once by the distribution's 2.8 and once by a current one. */

import { madeCases, type MadeCase } from '../case.ts';

const SYSTEM = '${builtins.currentSystem}';
const drv = (name: string, script: string, rest = ''): string =>
  `derivation { name = "${name}"; system = "${SYSTEM}"; builder = "/bin/sh"; args = [ "-c" ${JSON.stringify(script).replaceAll('$', '\\$')} ]; ${rest} }`;
const build = (expression: string, options = ''): string =>
  `cat > a.nix <<'NIX'\n${expression}\nNIX\n$NIX_BUILD --no-out-link --option substituters '' ${options} $PWD/a.nix`;
const evaluate = (expression: string, options = ''): string =>
  `cat > a.nix <<'NIX'\n${expression}\nNIX\n$NIX_INSTANTIATE --eval --strict ${options} $PWD/a.nix`;
const FIXED = 'outputHashMode = "flat"; outputHashAlgo = "sha256";';
const HASH = '0000000000000000000000000000000000000000000000000000000000000001';

type NixRow = readonly [id: string, label: string, script: string];

/** The substituter stays, and cannot be reached: Nix warns of it and goes on. */
const withCache = (script: string): string =>
  script.replace("--option substituters ''", '--option substituters https://cache.nixos.org');

const EVALUATION: readonly NixRow[] = [
  [
    'attribute',
    'eval-error/missing-attribute',
    evaluate('let cudaPackages = { nccl = 1; }; in cudaPackages.nccl-tests'),
  ],
  ['variable', 'eval-error/undefined-variable', evaluate('let x = 1; in cudaPackages_99')],
  [
    'argument',
    'eval-error/wrong-argument',
    evaluate('({ cudaSupport }: cudaSupport) { cudaSupport = true; rocm = 1; }'),
  ],
  [
    'argument-missing',
    'eval-error/wrong-argument',
    evaluate('({ cudaSupport, lib }: cudaSupport) { cudaSupport = true; }'),
  ],
  ['type', 'eval-error/type-error', evaluate('"a" + 1')],
  ['set-expected', 'eval-error/type-error', evaluate('let x = null; in x.y.z or x // 3')],
  ['coerce', 'eval-error/type-error', evaluate('"${{ a = 1; }}"')],
  ['list', 'eval-error/type-error', evaluate('builtins.head 3')],
  ['function', 'eval-error/type-error', evaluate('let f = 3; in f 4')],
  ['assertion', 'eval-error/assertion-failed', evaluate('let cudaSupport = false; in assert cudaSupport; 1')],
  ['throw', 'eval-error/thrown', evaluate('throw "cudnn 10 needs CUDA 13"')],
  ['abort', 'eval-error/thrown', evaluate('builtins.abort "broken set"')],
  ['recursion', 'eval-error/infinite-recursion', evaluate('let a = b; b = a; in a')],
  ['depth', 'eval-error/infinite-recursion', evaluate('let f = x: 1 + f (x + 1); in f 0')],
  ['syntax', 'eval-error/syntax-error', evaluate('{ a = 1; b = ; }')],
  ['syntax-end', 'eval-error/syntax-error', evaluate('{ a = [ 1 2')],
  ['file', 'eval-error/missing-file', evaluate('import ./pkgs/missing.nix')],
  ['search-path', 'eval-error/missing-file', evaluate('import <nixpkgs-cuda-made> { }')],
  ['division', 'eval-error/type-error', evaluate('1 / 0')],
  [
    'ifd',
    'eval-error/ifd-disabled',
    evaluate(`import (${drv('ifd', 'echo 1 > $out')})`, '--option allow-import-from-derivation false'),
  ],
];

const BUILD: readonly NixRow[] = [
  ['offline-exit', 'insufficient-evidence/cause-not-in-tail', withCache(build(drv('quiet', 'exit 3')))],
  [
    'offline-hash',
    'fetch-failure/hash-mismatch',
    withCache(build(drv('source', 'echo x > $out', `${FIXED} outputHash = "${HASH}";`))),
  ],
  [
    'hash',
    'fetch-failure/hash-mismatch',
    build(drv('source', 'echo x > $out', `${FIXED} outputHash = "${HASH}";`)),
  ],
  [
    'hash-placeholder',
    'fetch-failure/hash-placeholder',
    build(drv('source', 'echo y > $out', `${FIXED} outputHash = "${'0'.repeat(64)}";`)),
  ],
  [
    'fetch-refused',
    'fetch-failure/network-transient',
    build(
      'derivation { name = "source"; system = "builtin"; builder = "builtin:fetchurl"; url = "http://127.0.0.1:1/x.tar.gz"; outputHashMode = "flat"; outputHashAlgo = "sha256"; outputHash = "' +
        HASH +
        '"; preferLocalBuild = true; unpack = false; executable = false; }',
      '--option download-attempts 1',
    ),
  ],
  [
    'fetch-host',
    'fetch-failure/network-transient',
    build(
      'derivation { name = "source"; system = "builtin"; builder = "builtin:fetchurl"; url = "https://no-such-host.invalid/x.tar.gz"; outputHashMode = "flat"; outputHashAlgo = "sha256"; outputHash = "' +
        HASH +
        '"; preferLocalBuild = true; unpack = false; executable = false; }',
      '--option download-attempts 1',
    ),
  ],
  ['exit', 'insufficient-evidence/cause-not-in-tail', build(drv('quiet', 'exit 3'))],
  [
    'compile',
    'build-compile/missing-header',
    build(
      drv(
        'header',
        "echo 'src/a.c:1:10: fatal error: nccl.h: No such file or directory'; echo 'make: *** [a.o] Error 1'; exit 2",
      ),
    ),
  ],
  ['no-output', 'build-output/missing-output', build(drv('forgets', 'true'))],
  ['timeout', 'infra/build-timeout', build(drv('slow', 'while :; do :; done'), '--timeout 2')],
  ['silent', 'infra/silent-timeout', build(drv('silent', 'while :; do :; done'), '--max-silent-time 2')],
  [
    'log-limit',
    'build-output/log-limit',
    `${build(drv('noisy', 'while :; do echo xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done'), '--option max-build-log-size 2000')} 2>&1 | tail -n 5`,
  ],
  ['killed', 'infra/oom-kill', build(drv('killed', 'kill -9 $$'))],
  ['crashed', 'build-test/process-crashed', build(drv('crashed', 'kill -SEGV $$'))],
  [
    'references',
    'closure-regression/leaked-toolchain',
    build(
      `let a = ${drv('tool', 'echo > $out')}; in ${drv('leaks', 'echo $tool > $out', 'tool = a; disallowedReferences = [ a ];')}`,
    ),
  ],
  [
    'cycle',
    'build-output/reference-cycle',
    build(drv('cyclic', 'echo $dev > $out; echo $out > $dev', 'outputs = [ "out" "dev" ];')),
  ],
  [
    'not-deterministic',
    'build-output/not-deterministic',
    build(drv('random', 'read x < /proc/sys/kernel/random/uuid; echo $x > $out')) +
      '; $NIX_BUILD --no-out-link --check $PWD/a.nix',
  ],
  [
    'feature',
    'infra/missing-system-feature',
    build(drv('gpu-check', 'echo > $out', 'requiredSystemFeatures = [ "cuda-made" ];')),
  ],
  [
    'system',
    'infra/missing-system-feature',
    build(
      'derivation { name = "other"; system = "armv7l-linux"; builder = "/bin/sh"; args = [ "-c" "echo > $out" ]; }',
    ),
  ],
  ['no-builder', 'infra/missing-system-feature', build(drv('local', 'echo > $out'), '-j0')],
  [
    'input-gone',
    'fetch-failure/no-substituter',
    'cat > a.nix <<\'NIX\'\nderivation { name = "needs"; system = builtins.currentSystem; builder = "/bin/sh"; args = [ "-c" "echo > $out" ]; src = builtins.appendContext "/nix/store/2agqm11avdxkyqd378c87qzg3cdn9a3b-gone" { "/nix/store/2agqm11avdxkyqd378c87qzg3cdn9a3b-gone".path = true; }; }\nNIX\n$NIX_BUILD --no-out-link $PWD/a.nix',
  ],
  [
    'builder-absent',
    'infra/sandbox-setup-failed',
    build(`derivation { name = "x"; system = "${SYSTEM}"; builder = "/none/sh"; }`),
  ],
];

/** Only 2.8 tells the dependent without its root, so that the root's own report can be taken away. */
const OLD_BUILD: readonly NixRow[] = [
  [
    'dependency',
    'dependency-failed/dependency-failed',
    build(`let a = ${drv('root-made', 'exit 1')}; in ${drv('needs', 'echo > $out', 'input = a;')}`) +
      ' 2>&1 | grep -v "root-made"',
  ],
];

/** Both versions say the same things in other words. */
function forNix(tool: 'nix-2.8' | 'nix-current', name: string): readonly MadeCase[] {
  const prefix = tool === 'nix-2.8' ? '' : '$NIX_CURRENT ';
  const commands = `NIX_BUILD="${prefix}nix-build"; NIX_INSTANTIATE="${prefix}nix-instantiate"`;
  const named = ([id, label, script]: NixRow) => [`${name}-${id}`, label, `${commands}\n${script}`] as const;
  return [
    ...madeCases('evaluation', [tool], EVALUATION.map(named)),
    ...madeCases('build', [tool], (tool === 'nix-2.8' ? [...BUILD, ...OLD_BUILD] : BUILD).map(named)),
  ];
}

export const NIX_CASES = [...forNix('nix-2.8', 'nix28'), ...forNix('nix-current', 'nix-current')];
