/** Tables of the cache's index (migrations 0003 and 0007). */

import { bigint, boolean, customType, pgTable, text } from 'drizzle-orm/pg-core';
import { id, reference, time } from './graph.ts';

export const storePaths = pgTable('store_paths', {
  pathHash: text('path_hash').primaryKey(),
  path: text('path').notNull(),
  narHash: text('nar_hash').notNull(),
  narSize: bigint('nar_size', { mode: 'number' }).notNull(),
  url: text('url').notNull(),
  compression: text('compression').notNull(),
  fileHash: text('file_hash').notNull(),
  fileSize: bigint('file_size', { mode: 'number' }).notNull(),
  deriver: text('deriver'),
  ca: text('ca'),
  ingestedAt: time('ingested_at').notNull().defaultNow(),
  declaredAt: time('declared_at').notNull().defaultNow(),
});

export const pathReferences = pgTable('path_references', {
  pathHash: text('path_hash').notNull(),
  referenceHash: text('reference_hash').notNull(),
  reference: text('reference'),
});

export const signatures = pgTable('signatures', {
  pathHash: text('path_hash').notNull(),
  keyName: text('key_name').notNull(),
  signature: text('signature').notNull(),
});

export const pathProvenance = pgTable('path_provenance', {
  id: id(),
  pathHash: text('path_hash').notNull(),
  attemptId: reference('attempt_id'),
  narHash: text('nar_hash').notNull(),
  accepted: boolean('accepted').notNull(),
  recordedAt: time('recorded_at').notNull().defaultNow(),
  upstream: text('upstream'),
});

export const upstreamPaths = pgTable('upstream_paths', {
  pathHash: text('path_hash').primaryKey(),
  upstream: text('upstream'),
  checkedAt: time('checked_at').notNull().defaultNow(),
});

export const pins = pgTable('pins', {
  id: id(),
  evaluationId: reference('evaluation_id'),
  pathHash: text('path_hash').notNull(),
  name: text('name').notNull(),
  createdAt: time('created_at').notNull().defaultNow(),
});

/** A transaction's number, which fits no number of ours: as text. */
const xid8 = customType<{ data: string }>({ dataType: () => 'xid8' });

export const pathChanges = pgTable('path_changes', {
  xid: xid8('xid').notNull(),
  pathHash: text('path_hash').notNull(),
  changedAt: time('changed_at').notNull().defaultNow(),
});
