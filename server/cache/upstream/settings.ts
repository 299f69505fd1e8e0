/** Settings of pull-through: which upstreams are asked, and what is done with what they have. */

import { integerSetting, listSetting, type Setting } from '../../../domain/environment.ts';
import { parsePublicKey, type PublicKey } from '../../../domain/nix/signature.ts';
import { ParseError } from '../../../domain/parse-error.ts';
import { PULL_POLICIES, type PullPolicy } from './policy.ts';

const GIB = 1024 ** 3;

export const pullThroughSettings = {
  pullPolicy: policySetting('NIXWARP_PULL_THROUGH'),
  upstreams: listSetting('NIXWARP_UPSTREAMS', []),
  trustedKeys: publicKeysSetting('NIXWARP_TRUSTED_PUBLIC_KEYS'),
  /** The largest that Hydra makes by default has 3 GiB; CUDA's has more. */
  pullMaxBytes: integerSetting('NIXWARP_PULL_THROUGH_MAX_BYTES', 16 * GIB, 1),
};

function policySetting(name: string): Setting<PullPolicy> {
  const parse = (text: string): PullPolicy => {
    const policy = PULL_POLICIES.find((one) => one === text);
    if (policy === undefined) throw new ParseError(name, text, `one of ${PULL_POLICIES.join(', ')}`);
    return policy;
  };
  return { name, parse, fallback: 'off' };
}

/** By white space, as in `trusted-public-keys` of nix.conf. */
function publicKeysSetting(name: string): Setting<readonly PublicKey[]> {
  const words = listSetting(name, []);
  const parse = (text: string): readonly PublicKey[] => {
    try {
      return words.parse(text).map(parsePublicKey);
    } catch (error) {
      throw new Error(`${name}: ${error instanceof Error ? error.message : String(error)}`, { cause: error });
    }
  };
  return { name, parse, fallback: [] };
}

/** What is wrong with them together. */
export function pullThroughProblem(values: {
  readonly pullPolicy?: PullPolicy;
  readonly upstreams?: readonly string[];
  readonly trustedKeys?: readonly PublicKey[];
}): string | undefined {
  if (values.pullPolicy === undefined || values.pullPolicy === 'off') return undefined;
  if (values.upstreams !== undefined && !values.upstreams.some((url) => /^https?:\/\//.test(url)))
    return 'NIXWARP_PULL_THROUGH needs a cache of http or https in NIXWARP_UPSTREAMS';
  if (values.trustedKeys?.length === 0)
    return 'NIXWARP_PULL_THROUGH needs the keys of the upstreams in NIXWARP_TRUSTED_PUBLIC_KEYS: nothing unsigned is passed on';
  return undefined;
}
