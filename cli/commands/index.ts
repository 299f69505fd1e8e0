/** The commands, each a function from the configuration to an exit status; a command's module is loaded when it runs. */

function lazily<A extends unknown[]>(
  load: () => Promise<(...args: A) => Promise<number>>,
): (...args: A) => Promise<number> {
  return async (...args) => (await load())(...args);
}

export const cancel = lazily(async () => (await import('./control.ts')).cancel);
export const drain = lazily(async () => (await import('./control.ts')).drain);
export const retry = lazily(async () => (await import('./control.ts')).retry);
export const log = lazily(async () => (await import('./look.ts')).log);
export const status = lazily(async () => (await import('./look.ts')).status);
export const watch = lazily(async () => (await import('./look.ts')).watch);
export const why = lazily(async () => (await import('./look.ts')).why);
export const run = lazily(async () => (await import('./run.ts')).run);
export const saveJobset = lazily(async () => (await import('./jobsets.ts')).saveJobset);
export const trigger = lazily(async () => (await import('./jobsets.ts')).trigger);
export const push = lazily(async () => (await import('./push.ts')).push);
export const up = lazily(async () => (await import('./up.ts')).up);
export const serveCache = lazily(async () => (await import('./cache.ts')).serveCache);
export const classifyFile = lazily(async () => (await import('./classify.ts')).classifyFile);
export const listRules = lazily(async () => (await import('./rules.ts')).listRules);
export const explainRule = lazily(async () => (await import('./rules.ts')).explainRule);
export const createToken = lazily(async () => (await import('./token.ts')).createToken);
export const listTokens = lazily(async () => (await import('./token.ts')).listTokens);
export const revokeToken = lazily(async () => (await import('./token.ts')).revokeToken);
export const cacheWhy = lazily(async () => (await import('./cache-paths.ts')).cacheWhy);
export const cacheRemove = lazily(async () => (await import('./cache-paths.ts')).cacheRemove);
export const cachePin = lazily(async () => (await import('./cache-paths.ts')).cachePin);
export const cacheUnpin = lazily(async () => (await import('./cache-paths.ts')).cacheUnpin);
export const cachePins = lazily(async () => (await import('./cache-paths.ts')).cachePins);
export const cacheGc = lazily(async () => (await import('./cache-care.ts')).cacheGc);
export const cacheStats = lazily(async () => (await import('./cache-care.ts')).cacheStats);
export const cacheVerify = lazily(async () => (await import('./cache-care.ts')).cacheVerify);
export const cacheRecompress = lazily(async () => (await import('./cache-care.ts')).cacheRecompress);
export const cacheSign = lazily(async () => (await import('./cache-care.ts')).cacheSign);
export const inspect = lazily(async () => (await import('./inspect.ts')).inspect);
export const stats = lazily(async () => (await import('./stats.ts')).stats);
