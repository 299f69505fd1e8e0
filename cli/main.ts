/** The `nixwarp` command. */

import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { STAGES } from '../domain/ci/classification/taxonomy.ts';
import { ConfigurationError } from '../domain/environment.ts';
import { ParseError } from '../domain/parse-error.ts';
import packageJson from '../package.json' with { type: 'json' };
import { parseCliConfig } from './config.ts';
import { CommandFailure, EXIT } from './exit.ts';
import { PortTaken } from './up/ports.ts';
import { SetupFailure } from './setup/part.ts';
import type { ServeCacheOptions } from './commands/cache.ts';
import type { ClassifyOptions } from './commands/classify.ts';
import * as commands from './commands/index.ts';
import { addPolicyCommands } from './policy-commands.ts';

const program = new Command('nixwarp')
  .description('Durable CI and a binary cache for GPU-accelerated Nixpkgs')
  .version(packageJson.version)
  .exitOverride()
  .showHelpAfterError();

/** Every command gets the configuration, and sets the exit status that it returns. */
function does<A extends unknown[]>(
  run: (config: ReturnType<typeof parseCliConfig>, ...args: A) => Promise<number>,
) {
  return async (...args: A): Promise<void> => {
    process.exitCode = await run(parseCliConfig(), ...args);
  };
}

const json = new Option('--json', 'print JSON on standard output, and nothing else there');

function collect(
  value: string,
  before: readonly (readonly [string, string])[] = [],
): (readonly [string, string])[] {
  return [...before, JSON.parse(value) as [string, string]];
}

function collectTexts(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

/** `--arg NAME VALUE` takes two words, as Nix's does, for which the parser has no notion: they become one. */
function joinPairs(words: readonly string[]): string[] {
  const joined: string[] = [];
  for (let index = 0; index < words.length; index++) {
    const word = words[index] ?? '';
    joined.push(word);
    if (word !== '--arg' && word !== '--argstr') continue;
    const [name, value] = words.slice(index + 1, index + 3);
    if (name === undefined || value === undefined || !/^[A-Za-z_][A-Za-z0-9_'-]*$/.test(name))
      throw new CommandFailure(
        EXIT.usage,
        `${word} takes a name and a value, but got ${[name, value].filter((one) => one !== undefined).join(' ') || 'nothing'}`,
      );
    joined.push(JSON.stringify([name, value]));
    index += 2;
  }
  return joined;
}

function wholeNumber(text: string): number {
  const value = Number(text);
  if (!Number.isInteger(value) || value < 1)
    throw new InvalidArgumentError(`"${text}" is no whole number from 1 on`);
  return value;
}

program
  .command('up')
  .description('keep everything running until Ctrl-C: server, coordinator, a builder, Temporal and Postgres')
  .action(does(commands.up));

program
  .command('run <target>')
  .description('evaluate, build and test a flake, a Nix file, a folder or a jobset file, once')
  .option('--attr <path>', 'only jobs below this attribute path')
  .option('--arg <NAME EXPR>', 'a Nix expression for an argument of the file', collect)
  .option('--argstr <NAME STRING>', 'a string for an argument of the file', collect)
  .addOption(new Option('--recurse <how>', 'which attribute sets are walked').choices(['all', 'marked']))
  .option('--jobset', 'the target is a jobset configuration that a Nix expression yields')
  .option('--watch', 'a line for each step, also where there is no terminal')
  .addOption(json)
  .action(does(commands.run));

program
  .command('push [paths...]')
  .description('send store paths, with all that they refer to, into the cache; a post-build-hook of Nix, too')
  .option('--stdin', 'read the paths from standard input')
  .option('--view <view>', 'into staging/<name>; else the server decides who sees it')
  .option('--watch-store', 'send what is built from now on, until Ctrl-C')
  .addOption(json)
  .action(does(commands.push));

program
  .command('watch [evaluation]', { isDefault: false })
  .description('watch an evaluation, by default the newest')
  .addOption(json)
  .action(does(commands.watch));
program
  .command('log <job>')
  .description('the log of a job or derivation of an evaluation, by default the newest')
  .option('--follow', 'go on while it grows')
  .option('--evaluation <id>', 'of this evaluation', wholeNumber)
  .action(does(commands.log));
program
  .command('status')
  .description('evaluations, builders and what runs')
  .addOption(json)
  .action(does(commands.status));
program
  .command('why <job>')
  .description('why a job failed, or what it waits for')
  .option('--evaluation <id>', 'of this evaluation', wholeNumber)
  .addOption(json)
  .action(does(commands.why));
program
  .command('cancel [evaluation]')
  .description('cancel an evaluation, by default the newest open one')
  .addOption(json)
  .action(does(commands.cancel));
program
  .command('retry [job]')
  .description('retry a job, or with --failed all that failed')
  .option('--failed', 'all failed jobs of the evaluation')
  .option('--no-dependents', 'not those that failed only because of them')
  .option('--evaluation <id>', 'of this evaluation', wholeNumber)
  .addOption(json)
  .action(does(commands.retry));
program
  .command('drain <builder>')
  .description('take no more work on a builder; what runs is finished')
  .option('--reason <text>', 'why, for all to see')
  .option('--undo', 'take work again')
  .addOption(json)
  .action(does(commands.drain));
program
  .command('jobset <file>')
  .description(
    'save a jobset configuration (JSON, or Nix that yields it) in the server, which then evaluates it by its schedule',
  )
  .addOption(json)
  .action(does(commands.saveJobset));
program
  .command('trigger <jobset>')
  .description('ask for an evaluation of PROJECT/JOBSET')
  .option('--force', 'also where nothing changed')
  .addOption(json)
  .action(does(commands.trigger));

program
  .command('classify <file>')
  .description('why an attempt failed: a verdict on its log, which is a file or - for standard input')
  .addOption(new Option('--stage <stage>', 'where the attempt stood').choices(STAGES))
  .option('--evidence <file.json>', 'what else is known: outcome, exit status, host, other attempts')
  .option('--jsonl', 'each line is a record with a "log", and perhaps "stage", "evidence" and "id"')
  .addOption(json)
  .action(async (file: string, options: ClassifyOptions) => {
    process.exitCode = await commands.classifyFile(file, options);
  });

const rules = program.command('rules').description('the rules by which failures are classified');
rules
  .command('list', { isDefault: true })
  .description('all rules by class')
  .addOption(json)
  .action(async (options: { json?: true }) => {
    process.exitCode = await commands.listRules(options);
  });
rules
  .command('explain <id>')
  .description('one rule, with its examples and counter-examples')
  .addOption(json)
  .action(async (id: string, options: { json?: true }) => {
    process.exitCode = await commands.explainRule(id, options);
  });

program
  .command('inspect <path>')
  .description('what a store path, file or Python wheel needs and which GPUs it runs on, without a GPU')
  .option(
    '--capability <capability>',
    'say whether it runs on 6.1, 8.9, …; several times or commas',
    collectTexts,
  )
  .option('--before <path>', 'what changed in the closure since this store path')
  .addOption(json)
  .action(does(commands.inspect));

program
  .command('stats <file>')
  .description('regressions in a history of sizes and timings (JSON lines; - is standard input)')
  .addOption(json)
  .action(async (file: string, options: { json?: boolean }) => {
    process.exitCode = await commands.stats(file, options);
  });

const cache = program.command('cache').description('the binary cache');
cache
  .command('serve')
  .description(
    'serve a binary cache by itself, without Postgres and Temporal, until SIGTERM; prints its URL when it is ready',
  )
  .option('--dir <folder>', 'an ordinary file:// cache, as it stands')
  .option('--store', "the local store, read-only and without a copy, by Nix's database")
  .option('--secret-key-file <file>', 'sign what --store serves; may be given several times', collectTexts)
  .option('--writable', 'take uploads, each verified like the server does')
  .option('--unverified', 'take uploads as they come')
  .option('--listen <address:port>', 'where to listen; port 0 for any that is free', '127.0.0.1:8485')
  .option('--priority <number>', 'for nix-cache-info: lower is asked first', wholeNumber)
  .option('--store-dir <folder>', 'the store folder that paths begin with (default: /nix/store)')
  .action(async (options: ServeCacheOptions) => {
    process.exitCode = await commands.serveCache(options);
  });

addPolicyCommands(program, cache, does);

try {
  await program.parseAsync(joinPairs(process.argv.slice(2)), { from: 'user' });
} catch (error) {
  process.exitCode = report(error);
}

/** What went wrong, for a person, and the status that says whose it is. */
function report(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage;
  const message = error instanceof Error ? error.message : String(error);
  process.stderr.write(`nixwarp: ${message}\n`);
  if (error instanceof CommandFailure) return error.status;
  if (error instanceof ConfigurationError || error instanceof ParseError) return EXIT.usage;
  if (error instanceof SetupFailure || error instanceof PortTaken) return EXIT.infrastructure;
  // eslint-disable-next-line node/no-process-env -- for whoever looks for a bug of ours
  if (process.env['NIXWARP_DEBUG'] && error instanceof Error) process.stderr.write(`${error.stack}\n`);
  return EXIT.infrastructure;
}
