/** `nixwarp classify`: why an attempt failed, from its log alone or with what else is known of it. No server takes part. */

import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { Evidence } from '../../domain/ci/classification/evidence.ts';
import { classify, createClassifier } from '../../domain/ci/classification/classify.ts';
import type { Stage } from '../../domain/ci/classification/taxonomy.ts';
import type { Verdict } from '../../domain/ci/classification/verdict.ts';
import { ParseError } from '../../domain/parse-error.ts';
import { CommandFailure, EXIT } from '../exit.ts';
import { paintFor } from '../run/format.ts';
import { verdictLines } from '../verdicts/format.ts';
import { linesOf, openInput } from '../verdicts/input.ts';
import { parseJson } from '../verdicts/json.ts';
// Schemas take a quarter of a second to load, which one plain log need not wait for.
import type { LogRecord } from '../verdicts/record.ts';

export interface ClassifyOptions {
  readonly stage?: Stage;
  readonly evidence?: string;
  readonly jsonl?: true;
  readonly json?: true;
}

/** Classifies `file` (`-`: standard input). Ends well whatever the verdict says: the question was answered. */
export async function classifyFile(file: string, options: ClassifyOptions): Promise<number> {
  const given = options.evidence === undefined ? {} : await readEvidence(options.evidence);
  const evidence = options.stage === undefined ? given : { ...given, stage: options.stage };
  return options.jsonl ? classifyRecords(file, evidence) : classifyOne(file, evidence, options.json === true);
}

async function readEvidence(file: string): Promise<Evidence> {
  const text = await readFile(file, 'utf8').catch((error: Error) => {
    throw new CommandFailure(EXIT.usage, `--evidence: cannot read ${file}: ${error.message}`);
  });
  const { parseEvidence } = await import('../../domain/api/evidence.ts');
  try {
    return parseEvidence(parseJson(text, 'the file'), `--evidence ${file}`);
  } catch (error) {
    if (error instanceof SyntaxError)
      throw new CommandFailure(EXIT.usage, `--evidence ${file}: ${error.message}`);
    throw error;
  }
}

async function classifyOne(file: string, evidence: Evidence, json: boolean): Promise<number> {
  const classifier = createClassifier(evidence);
  for await (const chunk of await openInput(file)) classifier.write(chunk as Buffer);
  const verdict = classifier.end();
  const isForPerson = process.stdout.isTTY && !json;
  await print(
    isForPerson ? verdictLines(verdict, paintFor(process.stdout)).join('\n') : JSON.stringify(verdict),
  );
  return EXIT.ok;
}

/** A verdict a record, in their order; what is no record is told on standard error and costs the exit status only. */
async function classifyRecords(file: string, evidence: Evidence): Promise<number> {
  const { parseRecord } = await import('../verdicts/record.ts');
  let number = 0;
  let broken = 0;
  for await (const line of linesOf(await openInput(file))) {
    number++;
    if (line.trim() === '') continue;
    const verdict = judgeLine(() => parseRecord(line, evidence));
    if (typeof verdict === 'string') {
      broken++;
      process.stderr.write(`nixwarp: ${file}, line ${number}: ${verdict}\n`);
    } else await print(JSON.stringify(verdict));
  }
  if (broken > 0) process.stderr.write(`nixwarp: ${broken} of ${number} lines could not be read\n`);
  return broken === 0 ? EXIT.ok : EXIT.usage;
}

function judgeLine(read: () => LogRecord): (Verdict & { id?: unknown }) | string {
  try {
    const { id, evidence, log } = read();
    return { ...(id === undefined ? {} : { id }), ...classify(evidence, log) };
  } catch (error) {
    if (error instanceof ParseError || error instanceof SyntaxError) return error.message;
    throw error;
  }
}

/** Waits while the reader is slow, so that a million verdicts do not pile up. */
async function print(text: string): Promise<void> {
  if (!process.stdout.write(`${text}\n`)) await once(process.stdout, 'drain');
}
