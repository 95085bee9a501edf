import pg from 'pg';
import { GoshawkError } from '../../contract/errors.ts';
import { errorText } from '../../platform/error-text.ts';

/** Where a PostgreSQL is: its URL, or the parts of an embedded one. */
export type DatabaseAddress =
  | { readonly url: string }
  | {
      readonly host: string;
      readonly port: number;
      readonly user: string;
      readonly password: string;
      readonly database: string;
    };

export interface DatabaseOptions {
  /** connections at once */
  readonly connections: number;
  /** a statement that takes longer is given up, milliseconds */
  readonly statementLimitMs: number;
}

/** A statement that the server plans once for each connection. */
export interface Statement {
  /** the same name always has the same text */
  readonly name?: string;
  readonly text: string;
  readonly values?: readonly unknown[];
}

/** One connection, for as long as a piece of work has it. */
export interface Session {
  query<Row extends object>(statement: Statement | string): Promise<readonly Row[]>;
}

const CONNECT_LIMIT_MS = 5_000;
/** A new connection reads the tables' descriptions anew, which the first question on it waits for. */
const IDLE_LIMIT_MS = 600_000;
/** What idles is looked after, so that nothing on the way forgets it. */
const KEEP_ALIVE_MS = 30_000;
/** The server ends a statement first, and says why; this is for a server that says nothing. */
const SILENCE_MS = 5_000;

// Numbers of messages are below 2^53 by contract, and so are counts.
pg.types.setTypeParser(pg.types.builtins.INT8, Number);

/** The only place that knows node-postgres. */
export class Database {
  readonly #pool: pg.Pool;
  /** for messages: without a password */
  readonly name: string;
  /** at once, at most */
  readonly connections: number;

  constructor(address: DatabaseAddress, { connections, statementLimitMs }: DatabaseOptions) {
    this.name = nameOf(address);
    this.connections = connections;
    this.#pool = new pg.Pool({
      ...('url' in address ? { connectionString: address.url } : address),
      max: connections,
      connectionTimeoutMillis: CONNECT_LIMIT_MS,
      statement_timeout: statementLimitMs,
      query_timeout: statementLimitMs + SILENCE_MS,
      idleTimeoutMillis: IDLE_LIMIT_MS,
      keepAlive: true,
      keepAliveInitialDelayMillis: KEEP_ALIVE_MS,
      application_name: 'goshawk fleet',
      allowExitOnIdle: true,
    });
    // of a connection that idles: the next use makes a new one, and reports what is wrong then
    this.#pool.on('error', () => undefined);
  }

  /** Runs one statement. @throws GoshawkError GOSHAWK_DATABASE_UNREACHABLE, GOSHAWK_DATABASE_REFUSED; SqlError */
  query<Row extends object>(statement: Statement | string): Promise<readonly Row[]> {
    return this.session((session) => session.query<Row>(statement));
  }

  /** Everything in one transaction, which is rolled back if `work` throws. Throws as `query` does. */
  transaction<T>(work: (session: Session) => Promise<T>): Promise<T> {
    return this.session((session) => inTransaction(session, () => work(session)));
  }

  /** Statements on one connection. Throws as `query` does. */
  async session<T>(work: (session: Session) => Promise<T>): Promise<T> {
    let client: pg.PoolClient;
    try {
      client = await this.#pool.connect();
    } catch (error) {
      throw this.#explain(error);
    }
    // an error between two statements: the next statement fails with it
    const ignore = (): void => undefined;
    client.on('error', ignore);
    let failure: Error | undefined;
    try {
      return await work({
        query: async (statement) => {
          try {
            const { rows } = await client.query(asQuery(statement));
            return rows as never;
          } catch (error) {
            const explained = this.#explain(error);
            // a statement that the server refused leaves the connection as it was
            if (!(explained instanceof SqlError)) failure = explained;
            throw explained;
          }
        },
      });
    } finally {
      client.off('error', ignore);
      client.release(failure);
    }
  }

  /** Does work once on each connection, side by side. Throws as `query` does. */
  async onEachConnection(work: (session: Session) => Promise<void>, count = this.connections): Promise<void> {
    if (count === 0) return;
    // the others are taken while this one is held
    await this.session(async (session) => {
      await Promise.all([work(session), this.onEachConnection(work, count - 1)]);
    });
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }

  #explain(error: unknown): Error {
    const { code, message } = error as { code?: unknown; message?: string };
    const state = typeof code === 'string' && /^[0-9A-Z]{5}$/.test(code) ? code : null;
    const details = { database: this.name, reason: reasonOf(error) };
    if (state !== null && REFUSALS.some((start) => state.startsWith(start)))
      return new GoshawkError('GOSHAWK_DATABASE_REFUSED', details, { cause: error });
    if (state !== null && !OUTAGES.some((start) => state.startsWith(start)))
      return new SqlError(state, message ?? '', error);
    return new GoshawkError('GOSHAWK_DATABASE_UNREACHABLE', details, { cause: error });
  }
}

/** SQLSTATEs of a server that does not want this client: wrong password, no such database, no permission. */
const REFUSALS = ['28', '3D', '42501'];
/** SQLSTATEs of a server that goes away, has no room or is not up yet, and of a statement that took too long. */
const OUTAGES = ['08', '53', '57', '58', '25006', '40'];

/** SQLSTATE classes of a value that the database does not take. */
const BAD_VALUES = ['22', '23', '54'];

/** A statement that the server did not accept. */
export class SqlError extends Error {
  override readonly name = 'SqlError';
  /** SQLSTATE */
  readonly state: string;

  constructor(state: string, message: string, cause: unknown) {
    super(message, { cause });
    this.state = state;
  }
}

/** Whether the server refused a value, which it will refuse again. */
export function isBadValue({ state }: SqlError): boolean {
  return BAD_VALUES.some((start) => state.startsWith(start));
}

/** Work of a session in one transaction, which is rolled back if `work` throws. */
export async function inTransaction<T>(session: Session, work: () => Promise<T>): Promise<T> {
  await session.query('begin');
  try {
    const result = await work();
    await session.query('commit');
    return result;
  } catch (error) {
    await session.query('rollback').catch(() => undefined);
    throw error;
  }
}

function asQuery(statement: Statement | string): pg.QueryConfig {
  if (typeof statement === 'string') return { text: statement };
  const { name, text, values = [] } = statement;
  return { text, values: [...values], ...(name === undefined ? {} : { name }) };
}

/** Errors of several addresses of one host come as one without a message. */
function reasonOf(error: unknown): string {
  const { code } = error as { code?: unknown };
  const text = errorText(error);
  return text === '' && typeof code === 'string' ? code : text;
}

function nameOf(address: DatabaseAddress): string {
  if (!('url' in address)) return `postgresql://${address.host}:${address.port}/${address.database}`;
  const { protocol, host, pathname } = new URL(address.url);
  return `${protocol}//${host}${pathname}`;
}
