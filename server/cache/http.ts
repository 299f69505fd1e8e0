/** What a server of a binary cache must be set to, so that Nix's clients do not stumble. */

/** Nix keeps idle connections for up to 118 s and reuses them; closing earlier makes its next request fail (binary-cache.md §2.11). */
export const KEEP_ALIVE_MS = 130_000;

/** Names of logs and realisations are longer than the router's default of 100; a 414 is fatal to Nix. */
export const MAX_PARAM_LENGTH = 512;
