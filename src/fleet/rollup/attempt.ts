import { isBadValue, SqlError, type Session } from '../store/database.ts';

/**
 * Does work of a transaction that may fail by itself: if the database refuses a value of it, the transaction goes on as
 * if the work had not begun. Any other failure is thrown.
 * @returns why a value was refused; null if none was
 */
export async function attempt(session: Session, work: () => Promise<void>): Promise<string | null> {
  await session.query('savepoint attempt');
  try {
    await work();
    await session.query('release savepoint attempt');
    return null;
  } catch (error) {
    if (!(error instanceof SqlError && isBadValue(error))) throw error;
    await session.query('rollback to savepoint attempt');
    return error.message;
  }
}
