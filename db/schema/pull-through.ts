/** Tables of what upstream caches serve through us (migration 0008). */

import { pgTable, text } from 'drizzle-orm/pg-core';
import { time } from './graph.ts';

export const upstreamNars = pgTable('upstream_nars', {
  url: text('url').notNull(),
  pathHash: text('path_hash').notNull(),
  upstream: text('upstream').notNull(),
  source: text('source').notNull(),
  narinfo: text('narinfo').notNull(),
  verifiedAt: time('verified_at').notNull().defaultNow(),
});
