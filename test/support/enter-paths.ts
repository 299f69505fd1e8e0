/** A process that changes the cache's index as it is told: `{ what, row }` by IPC, until it is disconnected. */

import { sql } from 'drizzle-orm';
import { connectDatabase } from '../../db/database.ts';
import { type IndexedPath, insertStorePaths } from '../../db/store-paths.ts';

interface Order {
  readonly what: 'enter' | 'show' | 'hide' | 'sign' | 'remove';
  readonly row: IndexedPath;
}

const connection = connectDatabase({
  url: process.argv[2] ?? '',
  applicationName: 'enter-paths',
  maxConnections: 1,
});
let working = Promise.resolve();
process.on('message', (order: Order) => {
  working = working.then(() => carryOut(order));
});
process.once('disconnect', () => void working.then(() => connection[Symbol.asyncDispose]()));

async function carryOut({ what, row }: Order): Promise<void> {
  const { pathHash } = row;
  switch (what) {
    case 'enter':
      await connection.transaction((tx) => insertStorePaths(tx, [row]));
      return;
    case 'show':
    case 'hide':
      await connection.db.execute(
        sql`update path_visibility set is_public = ${what === 'show'}, rank = ${what === 'show' ? 0 : 3} where path_hash = ${pathHash}`,
      );
      return;
    case 'sign':
      await connection.db.execute(sql`insert into signatures values (${pathHash}, 'k', 'k:s')`);
      return;
    case 'remove':
      await connection.db.execute(sql`delete from store_paths where path_hash = ${pathHash}`);
  }
}
