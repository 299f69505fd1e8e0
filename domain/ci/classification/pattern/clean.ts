/** One raw log line → the text that rules read: no escape sequences, no prefixes of Nix, journals or launchers. */

// oxlint-disable-next-line no-control-regex -- terminal escape sequences are what is removed here
const ESCAPES = /\u001b(?:\[[0-9;:?]*[ -/]*[@-~]|\][^\u0007\u001b]*(?:\u0007|\u001b\\)|[@-Z\\-_])/g;
// oxlint-disable-next-line no-control-regex -- binary rubbish
const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b\ufeff]/g;

/** Prefixes that some carrier put before the tool's own words; each is tried, in this order, until none fits. */
const PREFIXES: readonly RegExp[] = [
  /^[┃│⏵]\s*/,
  // Nix's quotation of the log's tail, and `nix build -L`.
  /^>{1,2} /,
  /^[A-Za-z0-9][\w.+?=-]{0,120}> +/,
  /^\[?\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?:Z|[+-]\d\d:?\d\d)?\]?:? +/,
  /^(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) [ \d]\d \d\d:\d\d:\d\d \S{1,80} [^\s:]{1,80}: /,
  // Docker compose, BuildKit.
  /^[A-Za-z][\w.-]{0,59} +\| /,
  /^#\d{1,4} (?:\d{1,6}\.\d{1,3} +)?/,
  /^\d{1,6}\.\d{1,3} {1,8}(?=[A-Za-z'"<[(])/,
  // mpirun --tag-output, torchrun, Ray.
  /^\[\d{1,4},\d{1,4}\]<std(?:out|err)>:? ?/,
  /^\[(?:rank|default|trainer)\d{1,5}\]:? ?/,
  /^\((?:[A-Za-z]\w{0,60} )?pid=\d{1,9}(?:, ip=[\d.]{1,40})?\) /,
  // The kernel's clock.
  /^\[ {0,8}\d{1,9}\.\d{3,9}\] /,
  /^\[[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}\] /,
];

/** Deepest nesting of prefixes seen in the field is three (journal, compose, timestamp). */
const PREFIX_DEPTH = 4;

// oxlint-disable-next-line no-control-regex -- as above; most lines hold none of these and are left alone
const NEEDS_CLEANING = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b\ufeff‘’“”]/;

/** The line as a person should see it: escape sequences and control characters gone, typographic quotes made plain. */
export function displayLine(raw: string): string {
  if (!NEEDS_CLEANING.test(raw)) return raw.trimEnd();
  return raw.replace(ESCAPES, '').replace(CONTROLS, '').replace(/[‘’]/g, "'").replace(/[“”]/g, '"').trimEnd();
}

/** The text of a displayed line without what a carrier put before it. */
export function stripPrefixes(display: string): string {
  let text = display.trimStart();
  for (let depth = 0; depth < PREFIX_DEPTH; depth++) {
    const shorter = stripOnePrefix(text);
    if (shorter === text) return text;
    text = shorter;
  }
  return text;
}

function stripOnePrefix(text: string): string {
  for (const prefix of PREFIXES) {
    const match = prefix.exec(text);
    if (match !== null) return text.slice(match[0].length).trimStart();
  }
  return text;
}

/** gcc and rustc repeat the source line under an error (`  143 | …`): the words there are the program's, not the tool's. */
const SOURCE_ECHO = /^(?:\d{1,6} +\|(?: |$)|\| +[\^~|])/;
/** A line of a program that a log shows: `config.log`, a patch, a dump of the source. */
const SOURCE_LINE = /^(?:case [\w:]{1,80}:|#(?:define|include) |if \(.{1,200}\) ?\{$)/;
/** A test that passed may well be called `test_out_of_memory`. */
const PASSED_TEST = /(?: PASSED| XFAIL| SKIPPED|\.\.\. ?ok| \.+ +Passed)(?: +\[ *\d{1,3}%\]| +[\d.]+ sec)?$/;
const GTEST_PASSED = /^\[ +(?:OK|RUN|DISABLED) +\]/;

/** Whether a cleaned line only repeats source text or reports a passed test, and so can prove nothing. */
export function isQuotation(text: string): boolean {
  return (
    SOURCE_ECHO.test(text) || SOURCE_LINE.test(text) || PASSED_TEST.test(text) || GTEST_PASSED.test(text)
  );
}

/** Whether a line is one of Nix's or nix-eval-jobs' JSON messages. */
export function isJsonLine(raw: string): boolean {
  return raw.startsWith('{"') || raw.startsWith('@nix {');
}

/** A line of JSON (`@nix {…}` of `--log-format internal-json`, nix-eval-jobs' `{"error":"…"}`) as the lines inside its strings. */
export function splitJsonText(raw: string): string[] {
  return raw
    .replace(/\\u001b\[[0-9;]{0,12}m/g, '')
    .replace(/\\"/g, '"')
    .replace(/\\t/g, ' ')
    .split('\\n');
}
