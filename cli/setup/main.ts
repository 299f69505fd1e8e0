/** `npm run setup`: everything that nixwarp needs, and nothing started. */

import { CACHE_FOLDER } from '../config.ts';
import { compilerPart, wheelsPart } from './cuda.ts';
import { nixPart } from './nix.ts';
import { SetupFailure, setUp } from './part.ts';
import { postgresPart } from './postgres.ts';
import { temporalPart } from './temporal.ts';

export const BASE_PARTS = [nixPart, temporalPart, postgresPart] as const;

if (import.meta.main) {
  const context = {
    // eslint-disable-next-line node/no-process-env -- set-up looks at the machine as it is
    environment: process.env,
    cacheFolder: CACHE_FOLDER,
    say: (message: string) => console.log(message),
  };
  try {
    await setUp(BASE_PARTS, context);
    await setUp([compilerPart, wheelsPart], context).catch((error: unknown) => {
      if (!(error instanceof SetupFailure)) throw error;
      console.log(
        `— the CUDA example cannot be built here, the demo will take examples/minimal: ${error.message}`,
      );
    });
    console.log('set up: try "npm run demo" or "npm run up"');
  } catch (error) {
    if (!(error instanceof SetupFailure)) throw error;
    console.error(error.message);
    process.exitCode = 3;
  }
}
