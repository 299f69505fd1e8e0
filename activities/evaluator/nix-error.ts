/** Nix's error texts: what a dead evaluator left on standard error, as a message. */

/** Stored messages are at most 64 Ki characters; a trace of that length helps nobody. */
const MAX_MESSAGE_CHARACTERS = 32_768;

// oxlint-disable-next-line no-control-regex -- escape sequences begin with a control character
const ANSI_SEQUENCE = /\u001b\[[0-9;?]*[A-Za-z]/g;
const NOTES = /^\s*\((?:use '--show-trace'|stack trace truncated).*\)\s*$/;

/** Wordings of Nixpkgs' check-meta.nix, old and new, for packages that it refuses to evaluate. */
const REFUSALS: readonly RegExp[] = [
  /refusing to evaluate/i,
  /has an unfree license/,
  /because it is unfree\b/,
  /is marked as (?:insecure|broken)/,
  /is «(?:unfree|insecure|broken|unsupported)»/,
  /is not available on the requested hostPlatform/,
  /is not supported on the requested platform/,
  /has a license on the blocklist/,
];

export function isRefused(message: string): boolean {
  return REFUSALS.some((refusal) => refusal.test(message));
}

/** What Nix 2.8 and later, the garbage collector and the C++ library say where memory ends. */
const OUT_OF_MEMORY =
  /error: out of memory|GC Warning: Out of Memory|Insufficient space for initial table|std::bad_alloc|Cannot allocate memory|not enough memory|Too many heap sections|failed to map segment/i;

export function isOutOfMemory(stderr: string): boolean {
  return OUT_OF_MEMORY.test(stderr);
}

export function isStackOverflow(stderr: string): boolean {
  return stderr.includes('stack overflow');
}

/**
 * The error that ended Nix, without what led there: `error: …` with its place in the source.
 * Nix 2.8 prints it first; newer versions print frames before it, under an empty `error:`. Without `--show-trace` those
 * frames are the outermost, which are our own.
 * @returns undefined where the text holds no error of Nix.
 */
export function findNixError(stderr: string): string | undefined {
  const lines = stderr.replace(ANSI_SEQUENCE, '').split(/\r?\n/);
  // Traces and warnings of the evaluated code come before the error.
  const start = lines.findLastIndex((line) => line.startsWith('error:'));
  if (start < 0) return undefined;
  let block = lines.slice(start);
  if (block[0]?.trim() === 'error:') {
    const inner = block.findIndex((line) => /^\s+error:/.test(line));
    if (inner > 0) block = block.slice(inner);
  }
  const text = block
    .filter((line) => !NOTES.test(line))
    // Nix indents what follows by the width of `error: `.
    .map((line) => line.replace(/^ {1,7}/, ''))
    .join('\n')
    .replaceAll(/\n{3,}/g, '\n\n')
    .trimEnd();
  return limitMessage(text);
}

export function limitMessage(text: string): string {
  const left = text.length - MAX_MESSAGE_CHARACTERS;
  return left <= 0 ? text : `${text.slice(0, MAX_MESSAGE_CHARACTERS)}\n… (${left} more characters)`;
}

/** Says where the switch is: Nix's own text names only Nix's. */
export function explainError(message: string): string {
  if (!message.includes("'allow-import-from-derivation'")) return message;
  return `${message}\nimport from derivation is off for this evaluation; allowImportFromDerivation in the jobset turns it on`;
}

/**
 * Warnings of the code, by `builtins.warn` or Nixpkgs' `lib.warn`, and Nix's own; not that it waits for its database, as
 * it must where several evaluate.
 */
export function findWarnings(stderr: string): string[] {
  const found = stderr.replace(ANSI_SEQUENCE, '').matchAll(/^(?:trace: )?((?:evaluation )?warning: .+)$/gm);
  return [...found].map(([, warning = '']) => warning).filter((warning) => !warning.endsWith(' is busy'));
}
