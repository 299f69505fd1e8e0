/** The version that workers announce; the server shows it, and refuses what it cannot work with. */

import packageJson from '../package.json' with { type: 'json' };

export const WORKER_VERSION: string = packageJson.version;
