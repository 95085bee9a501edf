import { chmod, mkdir, readFile, rename, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { GoshawkError } from '../../../contract/errors.ts';
import { ChildProcess, describeEnd, lastLines, type ChildEnd } from '../../../platform/child-process.ts';
import { errorText } from '../../../platform/error-text.ts';
import { freePort } from '../../../platform/free-port.ts';
import { prepareBinaries, type PostgresBinaries } from './binaries.ts';
import { ensureCluster, placesIn } from './cluster.ts';
import { readConnection, writeConnection, type EmbeddedConnection } from './connection-file.ts';
import { endLeftover } from './leftover.ts';
import { claimFolder } from './owner-file.ts';
import { readPostmasterPid } from './postmaster-pid.ts';
import { chooseServerUser, whatBars, type ServerUser } from './server-user.ts';

const LOOK_MS = 50;
/** Between two lines that say that it is still starting: recovery after a crash may take minutes. */
const PATIENCE_MS = 5_000;
/** A fast shutdown writes what memory holds to the disk. */
const STOP_LIMIT_MS = 60_000;
const RESTART_MIN_MS = 500;
const RESTART_MAX_MS = 30_000;
/** Until the processes of a server that was killed have noticed. */
const MAX_TRIES = 20;
const LOG_MAX_BYTES = 10 << 20;

/**
 * What the server is started with. Whatever makes a commit durable is left on and checked on each connection; the rest
 * is sized for a machine that it shares with the ingestor.
 */
const SETTINGS: Readonly<Record<string, string>> = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '50',
  shared_buffers: '256MB',
  max_wal_size: '2GB',
  wal_compression: 'pglz',
  log_checkpoints: 'off',
  log_line_prefix: '%m ',
};

export interface EmbeddedOptions {
  /** holds the data, their password, the log */
  readonly folder: string;
  /** progress, a line each */
  readonly say: (line: string) => void;
  readonly signal?: AbortSignal;
  /** besides what the server needs; for checks that break it */
  readonly env?: Readonly<Record<string, string>>;
}

/** A server and what it was started with. */
interface Running {
  readonly binaries: PostgresBinaries;
  readonly user: ServerUser | null;
  readonly port: number;
}

/**
 * A real PostgreSQL that belongs to this process, on the loopback address with a password. It is started again when it
 * ends by itself, on the same port, and ended with `stop`.
 */
export class EmbeddedPostgres {
  readonly #options: EmbeddedOptions;
  readonly #running: Running;
  readonly #release: () => Promise<void>;
  readonly connection: EmbeddedConnection;
  #child: ChildProcess;
  #isStopping = false;
  readonly #stopping = new AbortController();
  #supervision: Promise<void> = Promise.resolve();

  private constructor(
    options: EmbeddedOptions,
    running: Running,
    child: ChildProcess,
    connection: EmbeddedConnection,
    release: () => Promise<void>,
  ) {
    this.#options = options;
    this.#running = running;
    this.#child = child;
    this.connection = connection;
    this.#release = release;
    this.#supervision = this.#supervise();
  }

  /**
   * Makes the data folder if there is none, and starts the server: it takes connections when this resolves.
   * @throws GoshawkError GOSHAWK_POSTGRES_MISSING, GOSHAWK_POSTGRES_FOLDER, GOSHAWK_POSTGRES_IN_USE,
   *   GOSHAWK_POSTGRES_FAILED
   */
  static async start(given: EmbeddedOptions): Promise<EmbeddedPostgres> {
    const options = { ...given, folder: resolve(given.folder) };
    const { folder, say, signal } = options;
    const { data, libraries, log } = placesIn(folder);
    await makeFolder(folder);
    const release = await claimFolder(folder);
    try {
      const user = await chooseServerUser(data);
      const binaries = await prepareBinaries(libraries);
      await checkReach(user, folder, data, binaries);
      await endLeftover(folder, data, say);
      say(`embedded PostgreSQL in ${folder}${user === null ? '' : ` as user ${user.uid}`}`);
      if (await ensureCluster({ folder, binaries, user, signal })) say('made an empty database');
      await turnLog(log);
      const port = await freePort((await readConnection(folder))?.port);
      const running = { binaries, user, port };
      const child = await launchAfterCrash(options, running);
      await writeConnection(folder, port);
      const connection = await readConnection(folder);
      if (connection === null) throw new Error(`${folder} lost its connection.json`);
      return new EmbeddedPostgres(options, running, child, connection, release);
    } catch (error) {
      await release();
      throw error;
    }
  }

  /** The server's process; null while it is down. */
  get pid(): number | null {
    return this.#child.end === null ? this.#child.pid : null;
  }

  /** Ends the server in order; what was committed is on the disk. */
  async stop(): Promise<void> {
    this.#isStopping = true;
    this.#stopping.abort();
    await this.#child.stop('SIGINT');
    await this.#supervision;
    await this.#child.stop('SIGINT');
    await this.#release();
  }

  /** Starts the server again whenever it ends by itself. */
  async #supervise(): Promise<void> {
    const { say } = this.#options;
    let waitMs = RESTART_MIN_MS;
    for (;;) {
      const startedAt = performance.now();
      const end = await this.#child.ended;
      if (this.#isStopping) return;
      if (performance.now() - startedAt > RESTART_MAX_MS) waitMs = RESTART_MIN_MS;
      say(`PostgreSQL ${describeEnd(end)}; starting it again`);
      while (!this.#isStopping) {
        await sleep(waitMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
        waitMs = Math.min(RESTART_MAX_MS, waitMs * 2);
        if (this.#isStopping) return;
        try {
          this.#child = await launch({ ...this.#options, signal: this.#stopping.signal }, this.#running);
          say('PostgreSQL runs again');
          break;
        } catch (error) {
          if (!this.#isStopping) say(errorText(error));
        }
      }
    }
  }
}

async function makeFolder(folder: string): Promise<void> {
  try {
    const made = await mkdir(folder, { recursive: true });
    // passable for the server's user, whatever the umask; the data in it are for that user alone
    if (made !== undefined) await chmod(folder, 0o755);
  } catch (error) {
    throw new GoshawkError('GOSHAWK_POSTGRES_FOLDER', { folder, reason: errorText(error) }, { cause: error });
  }
}

async function checkReach(
  user: ServerUser | null,
  folder: string,
  data: string,
  { postgres }: PostgresBinaries,
): Promise<void> {
  const toData = await whatBars(user, data);
  const toPrograms = await whatBars(user, postgres);
  if (toData === null && toPrograms === null) return;
  const who = `PostgreSQL does not run as root, and user ${user?.uid}, as whom it would run, may not pass`;
  if (toData !== null) {
    const reason = `${who} ${toData}`;
    throw new GoshawkError('GOSHAWK_POSTGRES_FOLDER', { folder, reason });
  }
  throw new GoshawkError('GOSHAWK_POSTGRES_MISSING', { reason: `${who} ${toPrograms} to its programs` });
}

/** Keeps one older log. */
async function turnLog(log: string): Promise<void> {
  const { size } = await stat(log).catch(() => ({ size: 0 }));
  if (size > LOG_MAX_BYTES) await rename(log, `${log}.old`);
}

/**
 * Starts the server; if one was killed a moment ago, after the last of its processes has ended. One that had not even
 * written its note when its owner was killed is ended, too.
 * @throws GoshawkError GOSHAWK_POSTGRES_FAILED, GOSHAWK_POSTGRES_IN_USE
 */
async function launchAfterCrash(options: EmbeddedOptions, running: Running): Promise<ChildProcess> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await launch(options, running);
    } catch (error) {
      const text = errorText(error);
      const isLeft = text.includes('lock file "postmaster.pid" already exists');
      if (!(isLeft || text.includes('pre-existing shared memory block')) || tries === MAX_TRIES) throw error;
      const { folder, say } = options;
      if (isLeft) await endLeftover(folder, placesIn(folder).data, say);
      await sleep(RESTART_MIN_MS);
    }
  }
}

/** Starts the server and waits until it takes connections. @throws GoshawkError GOSHAWK_POSTGRES_FAILED */
async function launch(options: EmbeddedOptions, { binaries, user, port }: Running): Promise<ChildProcess> {
  const { folder, say, signal } = options;
  const { data, log } = placesIn(folder);
  const settings = { ...SETTINGS, port: String(port) };
  const child = new ChildProcess({
    command: binaries.postgres,
    args: ['-D', data, ...Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`])],
    env: { ...binaries.env, ...options.env },
    cwd: data,
    ...(user === null ? {} : { user }),
    // it outlives a Ctrl-C in the terminal: what needs it ends first
    ownGroup: true,
    noOutput: true,
    errorLog: log,
    graceMs: STOP_LIMIT_MS,
  });
  endWithProcess(child);
  let saidAt = performance.now();
  try {
    for (;;) {
      signal?.throwIfAborted();
      if (child.end !== null) throw await failed(folder, log, child.end);
      const there = await readPostmasterPid(data);
      if (there?.isReady === true && there.pid === child.pid) return child;
      if (performance.now() - saidAt > PATIENCE_MS) {
        saidAt = performance.now();
        say('PostgreSQL is still starting; after a crash it first replays what was committed');
      }
      await sleep(LOOK_MS);
    }
  } catch (error) {
    await child.stop('SIGINT');
    throw error;
  }
}

/** A process that ends without `stop`, from the start of the server on, still asks it to end in order. */
function endWithProcess(child: ChildProcess): void {
  const end = (): void => child.kill('SIGINT');
  process.once('exit', end);
  void child.ended.finally(() => process.off('exit', end));
}

async function failed(folder: string, log: string, end: ChildEnd): Promise<GoshawkError> {
  const text = await readFile(log, 'utf8').catch(() => '');
  return new GoshawkError('GOSHAWK_POSTGRES_FAILED', {
    folder,
    reason: describeEnd(end),
    output: lastLines(text),
  });
}
