/** What is done with what only upstreams have: nothing, passed on, or passed on and stored. */

export const PULL_POLICIES = ['off', 'proxy', 'store'] as const;
export type PullPolicy = (typeof PULL_POLICIES)[number];
