/** Tables of the fleet, the outbox and the audit trail (migration 0002). */

import { bigint, boolean, integer, jsonb, pgTable, text } from 'drizzle-orm/pg-core';
import { id, time } from './graph.ts';

export const builders = pgTable('builders', {
  name: text('name').primaryKey(),
  state: text('state').$type<'active' | 'drained'>().notNull().default('active'),
  wanted: text('wanted').$type<'active' | 'drained'>().notNull().default('active'),
  reason: text('reason'),
  wantedReason: text('wanted_reason'),
  systems: text('systems').array().notNull(),
  features: text('features').array().notNull(),
  pools: text('pools').array().notNull(),
  slots: integer('slots').notNull(),
  nixVersion: text('nix_version').notNull(),
  workerVersion: text('worker_version').notNull(),
  storeDir: text('store_dir').notNull(),
  freeBytes: bigint('free_bytes', { mode: 'number' }),
  incarnation: text('incarnation').notNull(),
  firstSeenAt: time('first_seen_at').notNull().defaultNow(),
  lastSeenAt: time('last_seen_at').notNull().defaultNow(),
  leftAt: time('left_at'),
});

export const gpus = pgTable('gpus', {
  uuid: text('uuid').primaryKey(),
  builder: text('builder').notNull(),
  position: integer('position').notNull(),
  model: text('model').notNull(),
  computeCapability: text('compute_capability').notNull(),
  architecture: text('architecture').notNull(),
  driver: text('driver').notNull(),
  memoryBytes: bigint('memory_bytes', { mode: 'number' }).notNull(),
  standIn: boolean('stand_in').notNull().default(false),
  firstSeenAt: time('first_seen_at').notNull().defaultNow(),
  lastSeenAt: time('last_seen_at').notNull().defaultNow(),
});

export const outbox = pgTable('outbox', {
  id: id(),
  kind: text('kind').$type<'start' | 'signal' | 'signal-with-start' | 'cancel'>().notNull(),
  workflowType: text('workflow_type').notNull(),
  workflowId: text('workflow_id').notNull(),
  payload: jsonb('payload').$type<Record<string, unknown>>().notNull(),
  dedupeKey: text('dedupe_key'),
  createdAt: time('created_at').notNull().defaultNow(),
  deliveredAt: time('delivered_at'),
});

export const auditEvents = pgTable('audit_events', {
  id: id(),
  actor: text('actor').notNull(),
  action: text('action').notNull(),
  subject: text('subject').notNull(),
  details: jsonb('details').$type<Record<string, unknown>>().notNull().default({}),
  idempotencyKey: text('idempotency_key'),
  response: jsonb('response').$type<Record<string, unknown>>(),
  recordedAt: time('recorded_at').notNull().defaultNow(),
});
