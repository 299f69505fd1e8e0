/** The Nix command line of this machine. */

import { execFile } from 'node:child_process';

export interface NixSettings {
  /** Where inputs come from, our own cache first. */
  readonly substituters: readonly string[];
  readonly trustedPublicKeys: readonly string[];
  /** Tokens for substituters, by machine. */
  readonly netrcFile?: string;
}

export interface NixCli {
  readonly version: () => Promise<string>;
  /** Fetches paths from the substituters; never builds. Returns Nix's errors where that fails. */
  readonly substitute: (paths: readonly string[], rootsPrefix: string) => Promise<string | undefined>;
  /** Copies derivations with all that they need from a binary cache. */
  readonly copyDerivation: (drvPath: string, from: string) => Promise<string | undefined>;
  /** The command that realises one derivation, for a unit to run. */
  readonly realiseCommand: (drvPath: string, options: RealiseOptions) => readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

export interface RealiseOptions {
  readonly timeoutSeconds: number;
  readonly silentTimeoutSeconds: number;
  readonly cores: number;
  /** Features that this machine is to be believed to have. */
  readonly features: readonly string[];
  /** Builds again what is there, and compares. */
  readonly check: boolean;
  /** A symlink that keeps the outputs from being collected. */
  readonly root: string;
}

export interface NixCliOptions {
  readonly settings: () => NixSettings;
  /** Words before every command, such as those that enter another mount namespace. */
  readonly prefix: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
}

/** `nix path-info` of a large closure prints megabytes. */
const MAX_OUTPUT_BYTES = 512 * 1024 * 1024;

export function createNixCli({ settings, prefix, environment: outer }: NixCliOptions): NixCli {
  // Nix 2.8 asks for both features by name; colour would have to be taken out again.
  const environment = { ...outer, NO_COLOR: '1', NIX_CONFIG: withFeatures(outer['NIX_CONFIG']) };

  function run(argv: readonly string[]): Promise<{ exit: number; stdout: string; stderr: string }> {
    const [command = '', ...args] = [...prefix, ...argv];
    return new Promise((resolve, reject) => {
      execFile(command, args, { env: environment, maxBuffer: MAX_OUTPUT_BYTES }, (error, stdout, stderr) => {
        if (error === null) resolve({ exit: 0, stdout, stderr });
        else if (typeof error.code === 'number') resolve({ exit: error.code, stdout, stderr });
        else reject(new Error(`${argv.slice(0, 3).join(' ')}: ${error.message}`, { cause: error }));
      });
    });
  }

  const substituterOptions = (): string[] => {
    const { substituters, trustedPublicKeys, netrcFile } = settings();
    return [
      ...['--option', 'substituters', substituters.join(' ')],
      ...['--option', 'trusted-public-keys', trustedPublicKeys.join(' ')],
      // What was just ingested must not be hidden by an answer that Nix remembers.
      ...['--option', 'narinfo-cache-negative-ttl', '0'],
      ...(netrcFile === undefined ? [] : ['--option', 'netrc-file', netrcFile]),
    ];
  };

  return {
    environment,
    version: async () => {
      const { stdout, exit, stderr } = await run(['nix-store', '--version']);
      const version = /(\d+\.\d+\S*)/.exec(stdout)?.[1];
      if (exit !== 0 || version === undefined)
        throw new Error(`nix-store --version failed: ${stderr || stdout}`);
      return version;
    },
    substitute: async (paths, rootsPrefix) => {
      const { exit, stderr } = await run([
        ...['nix-store', '--realise', ...paths, '--add-root', rootsPrefix, '--indirect'],
        ...substituterOptions(),
        ...['--option', 'builders', '', '--max-jobs', '0'],
      ]);
      return exit === 0 ? undefined : stderr;
    },
    copyDerivation: async (drvPath, from) => {
      // Derivations are addressed by their content: they prove themselves, signatures or not.
      const { exit, stderr } = await run([
        'nix',
        'copy',
        '--derivation',
        '--from',
        from,
        drvPath,
        ...substituterOptions(),
      ]);
      return exit === 0 ? undefined : stderr;
    },
    realiseCommand: (drvPath, options) => [
      ...prefix,
      ...['nix-store', '--realise', drvPath, '--log-format', 'internal-json'],
      ...(options.check ? ['--check'] : ['--add-root', options.root, '--indirect']),
      // Inputs are there already; nothing is fetched, and nothing is built elsewhere, behind our back.
      ...['--option', 'substitute', 'false', '--option', 'builders', ''],
      ...['--option', 'cores', String(options.cores), '--max-jobs', '1'],
      ...[
        '--timeout',
        String(options.timeoutSeconds),
        '--max-silent-time',
        String(options.silentTimeoutSeconds),
      ],
      ...(options.features.length === 0
        ? []
        : ['--option', 'extra-system-features', options.features.join(' ')]),
    ],
  };
}

function withFeatures(config: string | undefined): string {
  return `${config ?? ''}\nextra-experimental-features = nix-command flakes\n`;
}
