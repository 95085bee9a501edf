import type { Database } from '../../../src/fleet/store/database.ts';

/** A database that goes away in the middle of a transaction, after some statements. */
export function dyingDatabase(
  database: Database,
  statements: number,
): Pick<Database, 'query' | 'transaction'> {
  let left = statements;
  return {
    query: (statement) => database.query(statement),
    transaction: (work) =>
      database.transaction((session) =>
        work({
          query: (statement) => {
            left -= 1;
            if (left < 0) throw new Error('killed');
            return session.query(statement);
          },
        }),
      ),
  };
}
