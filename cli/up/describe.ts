/** What a person needs to know of a running stack. */

import type { Stack } from './stack.ts';

export async function describeStack({ url, temporalUiUrl, state }: Stack): Promise<string[]> {
  return [
    '',
    `nixwarp runs:      ${url}`,
    `API:               ${url}/api/v1  (described in ${url}/api/openapi.json)`,
    ...(temporalUiUrl === undefined ? [] : [`Temporal's UI:     ${temporalUiUrl}`]),
    `administrator:     Authorization: Bearer $(cat ${state.keys.adminTokenFile})`,
    `binary cache, for nix.conf:`,
    `  extra-substituters = ${url}`,
    `  extra-trusted-public-keys = ${state.keys.cachePublicKey}`,
    `state, logs, keys: ${state.folder}`,
    '',
  ];
}
