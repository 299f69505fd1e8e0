/** `nixwarp rules`: the rules of the classifier, as a list or one with its examples. */

import { CommandFailure, EXIT } from '../exit.ts';
import { paintFor, type Paint } from '../run/format.ts';
import { findCard, ruleCards, similarIds, type RuleCard } from '../verdicts/rule-book.ts';

interface Json {
  readonly json?: true;
}

const write = (lines: readonly string[]): void => void process.stdout.write(`${lines.join('\n')}\n`);

export function listRules({ json }: Json): Promise<number> {
  const cards = ruleCards();
  if (json) write([JSON.stringify(cards, null, 2)]);
  else write(listLines(cards, paintFor(process.stdout)));
  return Promise.resolve(EXIT.ok);
}

/** One rule; the id may carry the code that a verdict names behind a colon. */
export function explainRule(id: string, { json }: Json): Promise<number> {
  const card = findCard(id);
  if (card === undefined) {
    const similar = similarIds(id).slice(0, 8);
    const hint = similar.length === 0 ? '`nixwarp rules` lists them' : `similar are ${similar.join(', ')}`;
    throw new CommandFailure(EXIT.usage, `no rule is called "${id}": ${hint}`);
  }
  const [, code] = id.split(':');
  if (json) write([JSON.stringify(card, null, 2)]);
  else write(cardLines(card, code, paintFor(process.stdout)));
  return Promise.resolve(EXIT.ok);
}

function listLines(cards: readonly RuleCard[], paint: Paint): string[] {
  const width = Math.max(...cards.map(({ id }) => id.length));
  const classes = [...new Set(cards.map((card) => card.class))];
  const blocks = classes.flatMap((name) => [
    paint.strong(name),
    ...cards
      .filter((card) => card.class === name)
      .map(
        (card) =>
          `  ${card.id.padEnd(width)}  ${card.rank.padEnd(11)}  ${card.confidence.toFixed(2)}  ${paint.quiet(card.explanation)}`,
      ),
  ]);
  return [...blocks, paint.quiet(`${cards.length} rules; \`nixwarp rules explain ID\` shows one`)];
}

function cardLines(card: RuleCard, code: string | undefined, paint: Paint): string[] {
  const { class: failureClass, subclass, scope, retry, confidence } = card;
  return [
    `${paint.strong(card.id)}: ${failureClass}/${subclass}`,
    `  scope ${scope} · retry ${retry} · confidence ${confidence.toFixed(2)} · rank ${card.rank} · stages ${card.stages.join(', ') || 'all'}`,
    `  ${card.explanation}`,
    ...(card.link === null ? [] : [`  ${card.link}`]),
    ...(card.fact === null ? [] : ['', paint.strong('holds when'), `  ${card.fact}`]),
    ...block('matches a line with', card.patterns, paint),
    ...block('but not with', card.excludes, paint),
    ...block('only if the log also has', card.when, paint),
    ...block('only if the log has nowhere', card.unless, paint),
    ...codeLines(card, code, paint),
    ...block('examples', card.examples, paint),
    ...block('counter-examples', card.counterExamples, paint),
  ];
}

function block(title: string, texts: readonly string[], paint: Paint): string[] {
  if (texts.length === 0) return [];
  return ['', paint.strong(title), ...texts.map((text) => `  - ${text.replaceAll('\n', '\n    ')}`)];
}

/** The codes of a table; of one fault only, where a verdict named it. */
function codeLines({ codes }: RuleCard, id: string | undefined, paint: Paint): string[] {
  const shown = id === undefined ? codes : codes.filter((one) => one.id === id || one.code === id);
  const lines = shown.map(
    ({ code, meaning }) =>
      `${code}: ${meaning.class}/${meaning.subclass}, ${meaning.scope}, retry ${meaning.retry}, ${meaning.confidence.toFixed(2)}`,
  );
  return block('codes', lines, paint);
}
