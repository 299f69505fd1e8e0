/** The commands that look after the cache: tokens, views, pins, collecting, verifying. */

import { type Command, InvalidArgumentError, Option } from 'commander';
import type { CliConfig } from './config.ts';
import * as commands from './commands/index.ts';

type Does = <A extends unknown[]>(
  run: (config: CliConfig, ...args: A) => Promise<number>,
) => (...args: A) => Promise<void>;

const json = () => new Option('--json', 'print JSON on standard output, and nothing else there');

export function addPolicyCommands(program: Command, cache: Command, does: Does): void {
  const token = program.command('token').description('tokens for views of the cache');
  token
    .command('create')
    .description('make a token; it is shown once, and stored nowhere')
    .requiredOption('--view <view>', 'public, internal or staging/<name>')
    .requiredOption('--can <rights>', 'read, push, admin, with commas between')
    .option('--name <name>', 'whose it is')
    .option('--expires <when>', 'after a time like 90d, 12h or 30m, or at a date like 2027-01-31')
    .addOption(json())
    .action(does(commands.createToken));
  token
    .command('list')
    .description('all tokens, newest first')
    .addOption(json())
    .action(does(commands.listTokens));
  token
    .command('revoke <id>')
    .description('let nobody in with it from now on')
    .addOption(json())
    .action(does(commands.revokeToken));
  addPathCommands(cache, does);
  addCareCommands(cache, does);
}

function addPathCommands(cache: Command, does: Does): void {
  cache
    .command('why <path>')
    .description('why strangers see a path, or do not')
    .addOption(json())
    .action(does(commands.cacheWhy));
  cache
    .command('remove <path>')
    .description('withdraw a path and all that depends on it, at once and for good')
    .requiredOption('--reason <text>', 'for the audit trail')
    .addOption(json())
    .action(does(commands.cacheRemove));
  cache
    .command('pin <name> <path>')
    .description('let a name hold a path and its closure')
    .option('--keep <number>', 'how many earlier paths of the name are held as well', count)
    .addOption(json())
    .action(does(commands.cachePin));
  cache
    .command('unpin <name>')
    .description('let go of what a name holds')
    .addOption(json())
    .action(does(commands.cacheUnpin));
  cache
    .command('pins')
    .description('pins by name with their history')
    .addOption(json())
    .action(does(commands.cachePins));
}

function addCareCommands(cache: Command, does: Does): void {
  cache
    .command('gc')
    .description('take what nothing holds out of the cache')
    .option('--dry-run', 'only say what would go')
    .addOption(json())
    .action(does(commands.cacheGc));
  cache
    .command('stats')
    .description('what the cache holds')
    .addOption(json())
    .action(does(commands.cacheStats));
  cache
    .command('verify')
    .description('read every stored byte again; repair or take out what is broken (exit status 1)')
    .addOption(json())
    .action(does(commands.cacheVerify));
  cache
    .command('recompress')
    .description('compress stored NARs anew; the old URLs go on working')
    .option('--level <level>', 'of zstd, 1 to 19; by default 12', zstdLevel)
    .option('--after <hash>', 'go on behind this path, as an ended run says')
    .addOption(json())
    .action(does(commands.cacheRecompress));
  cache
    .command('sign')
    .description("sign every path with all of the server's keys")
    .option('--drop <key>', 'and take away the signatures of this key')
    .addOption(json())
    .action(does(commands.cacheSign));
}

function zstdLevel(text: string): number {
  const level = Number(text);
  if (!/^[0-9]{1,2}$/.test(text) || level < 1 || level > 19)
    throw new InvalidArgumentError(`"${text}" is no whole number from 1 to 19`);
  return level;
}

function count(text: string): number {
  if (!/^[0-9]{1,4}$/.test(text))
    throw new InvalidArgumentError(`"${text}" is no whole number from 0 to 9999`);
  return Number(text);
}
