/** `test` and `describe` of node:test as statements: the runner awaits what they return, so a test file need not. */
import * as runner from 'node:test';

type Register = (title: string, body: () => void | Promise<void>) => unknown;

export const test: Register = runner.test;
export const describe: Register = runner.describe;
