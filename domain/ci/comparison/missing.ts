/** Evidence that is not there, and what would bring it. */

import type { MissingEvidence } from './comparison.ts';

export const NEED = {
  head: (): MissingEvidence => ({ what: 'head', sentence: 'Run the check of this revision on a GPU host.' }),
  base: (where: string): MissingEvidence => ({ what: 'base', sentence: `Run the base ${where}.` }),
  canary: (hosts: string): MissingEvidence => ({
    what: 'canary',
    sentence: `Run the known good check on ${hosts}.`,
  }),
  secondHost: (architecture: string): MissingEvidence => ({
    what: 'second-host',
    sentence: `Run the check on a second host with ${architecture}.`,
  }),
  otherArchitecture: (): MissingEvidence => ({
    what: 'other-architecture',
    sentence: 'Run the check on a GPU of another architecture.',
  }),
  otherDriver: (where: string): MissingEvidence => ({
    what: 'other-driver',
    sentence: `Run the check on ${where}.`,
  }),
  code: (architectures: string): MissingEvidence => ({
    what: 'code-inventory',
    sentence: `List the cubins and PTX of the package: does it hold code for ${architectures}?`,
  }),
} as const;
