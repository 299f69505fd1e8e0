/** A verdict as a person reads it at a terminal. */

import type { EvidenceLine, Verdict } from '../../domain/ci/classification/verdict.ts';
import type { Paint } from '../run/format.ts';

/** Class, reason, line with its neighbours, advice: at most ten lines. */
export function verdictLines(verdict: Verdict, paint: Paint): string[] {
  const { class: failureClass, subclass, scope, retry, confidence, phase } = verdict;
  const isFault = failureClass !== 'none';
  const name = `${isFault ? '✘' : '✔'} ${failureClass}/${subclass}`;
  const facts = [`confidence ${confidence.toFixed(2)}`, `scope ${scope}`, RETRY_WORDS[retry]];
  if (phase !== null) facts.push(`in ${phase}`);
  if (verdict.suspectedFlake) facts.push('suspected flake: the same derivation succeeded before');
  const lines = [
    `${(isFault ? paint.bad : paint.good)(name)}  ${paint.quiet(facts.join(' · '))}`,
    ...(verdict.evidence === null ? [] : evidenceLines(verdict.evidence, paint)),
    `  ${paint.strong(printable(verdict.explanation))}`,
    paint.quiet(`  rule ${verdict.rule} · fingerprint ${verdict.fingerprint}`),
  ];
  if (verdict.link !== null) lines.push(paint.quiet(`  ${verdict.link}`));
  if (verdict.others.length > 0) {
    const others = verdict.others.map((one) => `${one.class}/${one.subclass}${place(one.line)}`);
    lines.push(paint.quiet(`  also: ${others.join(', ')}`));
  }
  return lines;
}

const RETRY_WORDS = {
  no: 'no retry',
  same: 'one more try anywhere',
  other: 'try on another host',
  bigger: 'try with more memory',
  fix: 'repair first, then try',
} as const satisfies Record<Verdict['retry'], string>;

const place = (line: number | null): string => (line === null ? '' : ` in line ${line}`);

function evidenceLines({ source, line, text, before, after }: EvidenceLine, paint: Paint): string[] {
  if (line === null) return [`  ${source === 'nix' ? 'Nix: ' : ''}${printable(text)}`];
  const width = String(line + 1).length;
  const numbered = (number: number, mark: string, shown: string): string =>
    `  ${mark} ${String(number).padStart(width)} │ ${printable(shown)}`;
  return [
    ...(before === null ? [] : [paint.quiet(numbered(line - 1, ' ', before))]),
    numbered(line, '▸', text),
    ...(after === null ? [] : [paint.quiet(numbered(line + 1, ' ', after))]),
  ];
}

/** A log may hold what would steer a terminal; tabs stay. */
function printable(text: string): string {
  // oxlint-disable-next-line no-control-regex -- those are what must not reach a terminal
  return text.replace(/[\u0000-\u0008\u000a-\u001f\u007f-\u009f]/g, '\ufffd');
}
