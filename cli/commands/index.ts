/** The commands, each a function from the configuration to an exit status. */

export { cancel, drain, retry } from './control.ts';
export { log, status, watch, why } from './look.ts';
export { run } from './run.ts';
export { saveJobset, trigger } from './jobsets.ts';
export { up } from './up.ts';
