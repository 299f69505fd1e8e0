/** Tables of what is uploaded and not visible yet (migration 0005). */

import { bigint, jsonb, pgTable, text, uuid } from 'drizzle-orm/pg-core';
import { reference, time } from './graph.ts';

export const pendingPaths = pgTable('pending_paths', {
  pathHash: text('path_hash').notNull(),
  narHash: text('nar_hash').notNull(),
  path: text('path').notNull(),
  narSize: bigint('nar_size', { mode: 'number' }).notNull(),
  url: text('url').notNull(),
  compression: text('compression').notNull(),
  fileHash: text('file_hash').notNull(),
  fileSize: bigint('file_size', { mode: 'number' }).notNull(),
  deriver: text('deriver'),
  ca: text('ca'),
  signatures: jsonb('signatures').notNull(),
  waitsFor: text('waits_for').notNull(),
  receivedAt: time('received_at').notNull().defaultNow(),
});

export const pendingReferences = pgTable('pending_references', {
  pathHash: text('path_hash').notNull(),
  narHash: text('nar_hash').notNull(),
  reference: text('reference').notNull(),
  referenceHash: text('reference_hash').notNull(),
});

export const publishes = pgTable('publishes', {
  id: uuid('id').primaryKey(),
  attemptId: reference('attempt_id'),
  createdAt: time('created_at').notNull().defaultNow(),
  expiresAt: time('expires_at').notNull(),
  committed: jsonb('committed'),
});

export const publishClaims = pgTable('publish_claims', {
  publishId: uuid('publish_id').notNull(),
  pathHash: text('path_hash').notNull(),
  claim: jsonb('claim').notNull(),
});
