/** The version that the server tells its clients. */

import packageJson from '../package.json' with { type: 'json' };

export const SERVER_VERSION: string = packageJson.version;
