#!/usr/bin/env node
/** The `nixwarp` command: `npx nixwarp` in the checkout. */

import { bootstrap } from './bootstrap.mjs';

await bootstrap('cli/main.ts', process.argv.slice(2));
