/** Commands that people copy: to use the cache, to do again what a job did, to steer nixwarp. */

import type { ServerDeps } from '../../deps.ts';

export interface Commands {
  readonly title: string;
  readonly lines: string[];
}

type CacheFacts = ServerDeps['cacheFacts'];

/** Quotes what a shell would take apart; attribute names come from outside and may hold anything. */
export function shellWord(text: string): string {
  if (/^[A-Za-z0-9_.,:/=@%+-]+$/.test(text)) return text;
  // A line feed inside quotes is legal, but no command that is shown should take two lines by surprise.
  // oxlint-disable-next-line no-control-regex -- that is what is sought
  if (/[\u0000-\u001f\u007f]/.test(text)) return `$'${text.replace(/[^ -&(-[\]-~]/g, ansiEscape)}'`;
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function ansiEscape(character: string): string {
  const code = character.codePointAt(0) ?? 0;
  if (code < 0x20 || code === 0x7f) return `\\x${code.toString(16).padStart(2, '0')}`;
  return code > 0x7f ? character : `\\${character}`;
}

/** Lines for `nix.conf`. */
export function nixConfLines({ url, publicKey }: CacheFacts): string[] {
  return [`extra-substituters = ${url}`, `extra-trusted-public-keys = ${publicKey}`];
}

export function cacheCommands(facts: CacheFacts): Commands[] {
  return [
    { title: 'Trust this cache: in /etc/nix/nix.conf', lines: nixConfLines(facts) },
    {
      title: 'Copy one path with all that it needs',
      lines: [
        `nix copy --from ${facts.url} /nix/store/…-name \\`,
        `  --option extra-trusted-public-keys ${shellWord(facts.publicKey)}`,
      ],
    },
  ];
}

function cacheOptions({ url, publicKey }: CacheFacts): string[] {
  return [
    `  --option extra-substituters ${url} \\`,
    `  --option extra-trusted-public-keys ${shellWord(publicKey)}`,
  ];
}

export interface ReproducedDerivation {
  readonly drvPath: string;
  /** Paths of its outputs, where they are to be had. */
  readonly outputs: readonly string[];
  /** System features that its builder must have. */
  readonly features: readonly string[];
  readonly hasLog: boolean;
}

/**
 * Commands for any machine with Nix. The derivation itself comes from the cache, so that no source tree is needed.
 * Nix believes `--option` for substituters only from users that its daemon trusts.
 */
export function reproduceCommands(
  { drvPath, outputs, features, hasLog }: ReproducedDerivation,
  cache: CacheFacts,
): Commands[] {
  const needed =
    features.length === 0 ? [] : [`  --option extra-system-features ${shellWord(features.join(' '))} \\`];
  const realise = (extra: string) => [
    `nix-store --realise ${drvPath}${extra} \\`,
    ...needed,
    ...cacheOptions(cache),
  ];
  const where = features.length === 0 ? '' : `, on a machine with ${features.join(', ')}`;
  return [
    {
      title: `Do it again${where}`,
      lines: [`nix copy --derivation --from ${cache.url} ${drvPath}`, ...realise('')],
    },
    ...(features.length === 0 || outputs.length === 0
      ? []
      : [{ title: 'Run the check again where it has passed before', lines: realise(' --check') }]),
    ...(outputs.length === 0
      ? []
      : [
          {
            title: 'Take what was built',
            lines: [
              `nix build ${outputs.join(' ')} \\`,
              `  --extra-substituters ${cache.url} \\`,
              `  --extra-trusted-public-keys ${shellWord(cache.publicKey)}`,
            ],
          },
        ]),
    ...(hasLog ? [{ title: 'Read its log', lines: [`nix log ${drvPath} --store ${cache.url}`] }] : []),
  ];
}

/** What the page cannot do, because it needs a token. */
export function jobCommands(
  job: { readonly name: string; readonly variant: string | null },
  evaluationId: number,
  { failed, open, hasLog }: { readonly failed: boolean; readonly open: boolean; readonly hasLog: boolean },
): Commands[] {
  const word = shellWord(job.variant === null ? job.name : `${job.name}@${job.variant}`);
  const command = (verb: string) => `nixwarp ${verb} ${word} --evaluation ${evaluationId}`;
  return [
    {
      title: 'With nixwarp',
      lines: [
        ...(failed ? [command('retry')] : []),
        command('why'),
        ...(open ? [command('log --follow')] : hasLog ? [command('log')] : []),
      ],
    },
  ];
}

export function evaluationCommands(
  id: number,
  { failed, open }: { failed: boolean; open: boolean },
): string[] {
  return [
    ...(open ? [`nixwarp watch ${id}`, `nixwarp cancel ${id}`] : []),
    ...(failed ? [`nixwarp retry --failed --evaluation ${id}`] : []),
  ];
}
