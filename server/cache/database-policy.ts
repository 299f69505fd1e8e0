/** What a view shows, as Postgres has it. */

import type { Connection } from '../../db/database.ts';
import { type Audience, isDerivationVisible, isNarVisible, isPathVisible } from '../../db/visibility.ts';
import type { ViewPolicy } from './sources/restricted.ts';

export function createDatabasePolicy({ db }: Connection, audience: Audience): ViewPolicy {
  return {
    shows: (subject) => {
      switch (subject.kind) {
        case 'path':
          return isPathVisible(db, subject.pathHash, audience);
        case 'nar':
          return isNarVisible(db, subject.url, audience);
        case 'derivation':
          return isDerivationVisible(db, subject.drvHash, audience);
      }
    },
  };
}
