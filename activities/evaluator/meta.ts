/** The part of a derivation's `meta` that is kept: who, under which licence, in what state, with which limits. */

import type { JsonObject } from '../../domain/nix/json.ts';
import { isObject } from '../../domain/nix/json.ts';

const STRINGS = ['description', 'position'] as const;
const FLAGS = ['broken', 'unfree', 'insecure'] as const;
const NUMBERS = ['timeout', 'maxSilent', 'schedulingPriority'] as const;
const LICENCE_FIELDS = ['shortName', 'spdxId', 'fullName', 'free', 'redistributable'];
const MAINTAINER_FIELDS = ['name', 'github', 'email'];

/**
 * Brings `meta`, of our own walk or whole as nix-eval-jobs prints it, into one shape. `license` becomes a list of objects
 * (a text is a licence's short name), `maintainers` a list of objects (a text is an address); other shapes are left out.
 */
export function readMeta(meta: JsonObject): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  for (const name of STRINGS) if (typeof meta[name] === 'string') kept[name] = meta[name];
  for (const name of FLAGS) if (typeof meta[name] === 'boolean') kept[name] = meta[name];
  for (const name of NUMBERS) if (typeof meta[name] === 'number') kept[name] = meta[name];
  const homepage = asList(meta['homepage']).find((item) => typeof item === 'string');
  if (homepage !== undefined) kept['homepage'] = homepage;
  const license = objects(meta['license'], LICENCE_FIELDS, 'shortName');
  if (license.length > 0) kept['license'] = license;
  const maintainers = objects(meta['maintainers'], MAINTAINER_FIELDS, 'email');
  if (maintainers.length > 0) kept['maintainers'] = maintainers;
  return kept;
}

function objects(value: unknown, fields: readonly string[], ofText: string): JsonObject[] {
  return asList(value)
    .map((item): JsonObject => {
      if (typeof item === 'string') return { [ofText]: item };
      if (!isObject(item)) return {};
      const known = fields.filter((field) => ['string', 'boolean'].includes(typeof item[field]));
      return Object.fromEntries(known.map((field) => [field, item[field]]));
    })
    .filter((item) => Object.keys(item).length > 0);
}

function asList(value: unknown): readonly unknown[] {
  if (value === undefined || value === null) return [];
  return Array.isArray(value) ? value : [value];
}
