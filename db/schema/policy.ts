/** Tables of tokens, licences, visibility, pins and sweeping (migration 0006). */

import { bigint, boolean, customType, integer, jsonb, pgTable, smallint, text } from 'drizzle-orm/pg-core';
import type { Licence } from '../../domain/ci/licence.ts';
import { id, reference, time } from './graph.ts';

const bytes = customType<{ data: Buffer }>({ dataType: () => 'bytea' });

export const tokens = pgTable('tokens', {
  id: id(),
  name: text('name').notNull(),
  digest: bytes('digest').notNull(),
  view: text('view').notNull(),
  can: text('can').array().notNull(),
  createdBy: text('created_by').notNull(),
  createdAt: time('created_at').notNull().defaultNow(),
  expiresAt: time('expires_at'),
  revokedAt: time('revoked_at'),
  lastUsedAt: time('last_used_at'),
});

export const derivationLicences = pgTable('derivation_licences', {
  drvHash: text('drv_hash').primaryKey(),
  rank: smallint('rank').notNull(),
  licences: jsonb('licences').$type<Licence[]>().notNull(),
  jobName: text('job_name').notNull(),
  evaluationId: reference('evaluation_id').notNull(),
  recordedAt: time('recorded_at').notNull().defaultNow(),
});

export const policySettings = pgTable('policy_settings', {
  single: boolean('single').primaryKey().default(true),
  licences: text('licences').array().notNull(),
  packages: text('packages').array().notNull(),
  upstreams: text('upstreams').array().notNull(),
  maxRank: smallint('max_rank').notNull().default(1),
  factsRead: boolean('facts_read').notNull().default(false),
});

export const withdrawnPaths = pgTable('withdrawn_paths', {
  pathHash: text('path_hash').primaryKey(),
  path: text('path').notNull(),
  reason: text('reason').notNull(),
  withdrawnBy: text('withdrawn_by').notNull(),
  withdrawnAt: time('withdrawn_at').notNull().defaultNow(),
});

export const pathVisibility = pgTable('path_visibility', {
  pathHash: text('path_hash').primaryKey(),
  ownRank: smallint('own_rank').notNull(),
  ownSource: text('own_source').notNull(),
  rank: smallint('rank').notNull(),
  restrictedBy: text('restricted_by').notNull(),
  isPublic: boolean('is_public').notNull(),
});

export const namedPins = pgTable('named_pins', {
  name: text('name').notNull(),
  revision: integer('revision').notNull(),
  pathHash: text('path_hash').notNull(),
  path: text('path').notNull(),
  keep: integer('keep').notNull().default(0),
  pinnedBy: text('pinned_by').notNull(),
  pinnedAt: time('pinned_at').notNull().defaultNow(),
  releasedAt: time('released_at'),
});

export const sweptNars = pgTable('swept_nars', {
  url: text('url').primaryKey(),
  fileSize: bigint('file_size', { mode: 'number' }).notNull(),
  wasPublic: boolean('was_public').notNull(),
  sweptAt: time('swept_at').notNull().defaultNow(),
});

export const narAliases = pgTable('nar_aliases', {
  url: text('url').primaryKey(),
  pathHash: text('path_hash').notNull(),
  replacedAt: time('replaced_at').notNull().defaultNow(),
});
