/** What cargo and go refuse. */

import { madeCases } from '../case.ts';

const cargoToml = (rest = ''): string =>
  `[package]\nname = "made"\nversion = "0.1.0"\nedition = "2021"\n${rest}`;
const rust = (main: string, rest?: string) => ({ 'Cargo.toml': cargoToml(rest), 'src/main.rs': main });
const goModule = (main: string, rest = '') => ({
  'go.mod': `module made\n\ngo 1.21\n${rest}`,
  'main.go': main,
});
const HELLO = 'package main\n\nfunc main() {}\n';

export const LANGUAGE_CASES = [
  ...madeCases(
    'build',
    ['cargo', 'gcc'],
    [
      [
        'cargo-types',
        'build-compile/compile-error',
        'cargo build --offline',
        rust('fn main() { let x: u32 = "a"; }\n'),
      ],
      [
        'cargo-import',
        'build-compile/api-change',
        'cargo build --offline',
        rust('use std::collections::HashMapp;\nfn main() {}\n'),
      ],
      [
        'cargo-name',
        'build-compile/api-change',
        'cargo build --offline',
        rust('fn main() { launch_kernel(1); }\n'),
      ],
      [
        'cargo-method',
        'build-compile/api-change',
        'cargo build --offline',
        rust('fn main() { "a".to_device(); }\n'),
      ],
      [
        'cargo-borrow',
        'build-compile/compile-error',
        'cargo build --offline',
        rust('fn main() { let a = String::new(); drop(a); println!("{}", a); }\n'),
      ],
      [
        'cargo-syntax',
        'build-compile/compile-error',
        'cargo build --offline',
        rust('fn main() { let x = ; }\n'),
      ],
      [
        'cargo-missing-crate',
        'build-configure/lockfile-outdated',
        'cargo build --offline',
        rust('fn main() {}\n', '[dependencies]\nno-such-crate-made = "1"\n'),
      ],
      [
        'cargo-build-script',
        'build-configure/build-script-failed',
        'cargo build --offline',
        { ...rust('fn main() {}\n'), 'build.rs': 'fn main() { panic!("CUDA_ROOT is not set"); }\n' },
      ],
      [
        'cargo-link',
        'build-link/missing-library',
        'cargo build --offline',
        {
          ...rust('fn main() {}\n'),
          'build.rs': 'fn main() { println!("cargo:rustc-link-lib=cublasmade"); }\n',
        },
      ],
      [
        'cargo-link-symbol',
        'build-link/undefined-reference',
        'cargo build --offline',
        rust('extern "C" { fn cuMadeUp() -> i32; }\nfn main() { unsafe { cuMadeUp(); } }\n'),
      ],
      [
        'cargo-test',
        'build-test/rust-test-failed',
        'cargo test --offline',
        rust('fn main() {}\n#[test]\nfn sums() { assert_eq!(1 + 1, 3); }\n'),
      ],
      [
        'cargo-test-panic',
        'build-test/rust-test-failed',
        'cargo test --offline',
        rust('fn main() {}\n#[test]\nfn opens() { std::fs::File::open("/none").unwrap(); }\n'),
      ],
      [
        'cargo-locked',
        'build-configure/lockfile-outdated',
        'cargo build --offline --locked',
        rust('fn main() {}\n'),
      ],
      [
        'cargo-rust-version',
        'build-configure/compiler-broken',
        'cargo build --offline',
        {
          'Cargo.toml':
            '[package]\nname = "made"\nversion = "0.1.0"\nedition = "2021"\nrust-version = "1.999"\n',
          'src/main.rs': 'fn main() {}\n',
        },
      ],
      [
        'cargo-manifest',
        'build-configure/manifest-error',
        'cargo build --offline',
        { 'Cargo.toml': '[package]\nname = "made\n', 'src/main.rs': '' },
      ],
      ['cargo-no-manifest', 'build-configure/manifest-error', 'cargo build --offline'],
      [
        'cargo-deny-warnings',
        'build-compile/werror',
        'cargo build --offline',
        rust('#![deny(warnings)]\nfn main() { let unused = 1; }\n'),
      ],
    ],
  ),
  ...madeCases(
    'build',
    ['go'],
    [
      [
        'go-undefined',
        'build-compile/compile-error',
        'go build ./...',
        goModule('package main\n\nfunc main() { launch() }\n'),
      ],
      [
        'go-unused',
        'build-compile/compile-error',
        'go build ./...',
        goModule('package main\n\nimport "os"\n\nfunc main() { x := 1 }\n'),
      ],
      [
        'go-types',
        'build-compile/compile-error',
        'go build ./...',
        goModule('package main\n\nfunc main() { var x int = "a"; _ = x }\n'),
      ],
      [
        'go-syntax',
        'build-compile/compile-error',
        'go build ./...',
        goModule('package main\n\nfunc main() { if }\n'),
      ],
      [
        'go-no-module',
        'build-configure/lockfile-outdated',
        'GOFLAGS=-mod=mod GOPROXY=off go build ./...',
        goModule('package main\n\nimport _ "example.org/cuda"\n\nfunc main() {}\n'),
      ],
      [
        'go-readonly',
        'build-configure/lockfile-outdated',
        'GOPROXY=off go build ./...',
        goModule('package main\n\nimport _ "example.org/cuda"\n\nfunc main() {}\n'),
      ],
      [
        'go-sum',
        'build-configure/lockfile-outdated',
        'GOPROXY=off go build ./...',
        goModule(
          HELLO.replace('func', 'import _ "example.org/cuda"\n\nfunc'),
          '\nrequire example.org/cuda v1.2.3\n',
        ),
      ],
      [
        'go-vendor',
        'build-configure/lockfile-outdated',
        'mkdir -p vendor; touch vendor/modules.txt; GOFLAGS=-mod=vendor go build ./...',
        goModule(HELLO, '\nrequire example.org/cuda v1.2.3\n'),
      ],
      [
        'go-proxy',
        'fetch-failure/network-transient',
        'GOFLAGS=-mod=mod GONOSUMDB=* GOPROXY=http://127.0.0.1:1 go mod download example.org/cuda@v1.0.0',
        goModule(HELLO),
      ],
      [
        'go-cgo-header',
        'build-compile/missing-header',
        'CGO_ENABLED=1 go build ./...',
        goModule('package main\n\n// #include <nvml.h>\nimport "C"\n\nfunc main() {}\n'),
        ['gcc'],
      ],
      [
        'go-cgo-library',
        'build-link/missing-library',
        'CGO_ENABLED=1 go build ./...',
        goModule(
          'package main\n\n// #cgo LDFLAGS: -lcudamade\n// static int f(void) { return 1; }\nimport "C"\n\nfunc main() { C.f() }\n',
        ),
        ['gcc'],
      ],
      [
        'go-test',
        'build-test/go-test-failed',
        'go test ./...',
        {
          ...goModule(HELLO),
          'a_test.go':
            'package main\n\nimport "testing"\n\nfunc TestGemm(t *testing.T) { t.Errorf("got 3, want 4") }\n',
        },
      ],
      [
        'go-test-panic',
        'build-test/go-test-failed',
        'go test ./...',
        {
          ...goModule(HELLO),
          'a_test.go':
            'package main\n\nimport "testing"\n\nfunc TestNil(t *testing.T) { var p *int; _ = *p }\n',
        },
      ],
      [
        'go-toolchain',
        'build-configure/compiler-broken',
        'GOTOOLCHAIN=local go build ./...',
        { 'go.mod': 'module made\n\ngo 1.999\n', 'main.go': HELLO },
      ],
      [
        'go-vet',
        'build-compile/compile-error',
        'go vet ./...',
        goModule('package main\n\nimport "fmt"\n\nfunc main() { fmt.Printf("%d", "x") }\n'),
      ],
    ],
  ),
];
