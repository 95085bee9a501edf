import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { Database } from '../../src/fleet/store/database.ts';
import { whatBars } from '../../src/fleet/store/embedded/server-user.ts';
import { EmbeddedPostgres } from '../../src/fleet/store/embedded/embedded-postgres.ts';

const folder = mkdtempSync(join(tmpdir(), 'goshawk-postgres-'));
// under root the server has another user, who has to be able to pass
chmodSync(folder, 0o755);
const home = join(folder, 'fleet');

let server: EmbeddedPostgres | undefined;
afterEach(async () => {
  await server?.stop();
  server = undefined;
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function start(said: string[] = []): Promise<EmbeddedPostgres> {
  server = await EmbeddedPostgres.start({ folder: home, say: (line) => said.push(line) });
  return server;
}

function connect({ connection }: EmbeddedPostgres): Database {
  return new Database({ ...connection, database: 'postgres' }, { connections: 2, statementLimitMs: 5_000 });
}

async function answer(database: Database, text: string): Promise<unknown> {
  const [row] = await database.query<Record<string, unknown>>(text);
  return row === undefined ? undefined : Object.values(row)[0];
}

/** Until it holds; a database that restarts answers nothing for a while. */
async function until<T>(read: () => Promise<T>, holds: (value: T) => boolean): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    const value = await read().catch((error: unknown) => {
      if (tries > 200) throw error;
      return undefined;
    });
    if (value !== undefined && holds(value)) return value;
    if (tries > 200) throw new Error('waited in vain');
    await sleep(100);
  }
}

describe('the embedded PostgreSQL', () => {
  it('makes its data, keeps them over an orderly end, and is durable', async () => {
    const said: string[] = [];
    const first = connect(await start(said));
    expect(said.join('\n')).toContain('made an empty database');
    await first.query('create table kept (n int8)');
    await first.query('insert into kept values (9007199254740991)');
    const settings = ['fsync', 'full_page_writes', 'synchronous_commit', 'data_checksums'];
    for (const setting of settings) expect(await answer(first, `show ${setting}`), setting).toBe('on');
    await first.close();
    await server!.stop();
    expect(existsSync(join(home, 'data/postmaster.pid'))).toBe(false);

    said.length = 0;
    const second = connect(await start(said));
    expect(said.join('\n')).not.toContain('made an empty database');
    expect(await answer(second, 'select n from kept')).toBe(Number.MAX_SAFE_INTEGER);
    await second.close();
  });

  it('lets nobody in without the password, which only its owner can read', async () => {
    const { connection } = await start();
    const stranger = new Database(
      { ...connection, password: 'guessed', database: 'postgres' },
      { connections: 1, statementLimitMs: 5_000 },
    );
    await expect(stranger.query('select 1')).rejects.toMatchObject({ code: 'GOSHAWK_DATABASE_REFUSED' });
    await stranger.close();
    expect(statSync(join(home, 'password')).mode & 0o077).toBe(0);
  });

  it('comes back by itself after kill -9, on the same port, with what was committed', async () => {
    const said: string[] = [];
    const { pid } = await start(said);
    const database = connect(server!);
    await database.query('create table crashed (n int)');
    await database.query('insert into crashed values (7)');
    process.kill(pid!, 'SIGKILL');
    const value = await until(
      () => answer(database, 'select n from crashed'),
      () => server!.pid !== pid,
    );
    expect(value).toBe(7);
    expect(said.join('\n')).toContain('was ended by SIGKILL; starting it again');
    await database.close();
  });

  it('ends what a killed process left running, and takes over its data', async () => {
    await start();
    const left = server!;
    const database = connect(left);
    await database.query('create table inherited (n int)');
    await database.close();
    // whoever noted this is gone
    writeFileSync(join(home, 'owner.json'), JSON.stringify({ pid: process.pid, start: '1' }));
    const said: string[] = [];
    const next = EmbeddedPostgres.start({ folder: home, say: (line) => said.push(line) });
    await until(
      () => Promise.resolve(said.join('\n')),
      (text) => text.includes('left PostgreSQL running'),
    );
    await left.stop();
    server = await next;
    const again = connect(server);
    expect(await answer(again, 'select count(*) from inherited')).toBe(0);
    await again.close();
  });

  it('starts over the note of a server that is gone, whose number another program has now', async () => {
    await start();
    await server!.stop();
    const note = ['1', join(home, 'data'), '1', '5432', '', '127.0.0.1', '1 2', 'ready', ''].join('\n');
    writeFileSync(join(home, 'data/postmaster.pid'), note.replace('1', String(process.pid)));
    const database = connect(await start());
    expect(await answer(database, 'select 1')).toBe(1);
    await database.close();
  });

  it('finds the folder that the user of the server cannot pass', async () => {
    const closed = join(folder, 'closed');
    mkdirSync(join(closed, 'fleet'), { recursive: true });
    const nobody = { uid: 65_534, gid: 65_534 };
    expect(await whatBars(nobody, join(closed, 'fleet/data'))).toBeNull();
    chmodSync(closed, 0o700);
    expect(await whatBars(nobody, join(closed, 'fleet/data'))).toBe(closed);
  });

  it('refuses a folder that another process uses, and says which', async () => {
    const start = readFileSync(`/proc/${process.ppid}/stat`, 'utf8').split(') ')[1]!.split(' ')[19]!;
    writeFileSync(join(home, 'owner.json'), JSON.stringify({ pid: process.ppid, start }));
    await expect(EmbeddedPostgres.start({ folder: home, say: () => undefined })).rejects.toMatchObject({
      code: 'GOSHAWK_POSTGRES_IN_USE',
      message: expect.stringContaining(String(process.ppid)) as unknown,
    });
    rmSync(join(home, 'owner.json'));
  });

  it('refuses data of another version, and a folder that is a file', async () => {
    const version = join(home, 'data/PG_VERSION');
    const text = readFileSync(version, 'utf8');
    writeFileSync(version, '17\n');
    const refused = EmbeddedPostgres.start({ folder: home, say: () => undefined });
    await expect(refused).rejects.toMatchObject({ code: 'GOSHAWK_POSTGRES_FOLDER' });
    writeFileSync(version, text);
    writeFileSync(join(folder, 'file'), '');
    const onFile = EmbeddedPostgres.start({ folder: join(folder, 'file'), say: () => undefined });
    await expect(onFile).rejects.toMatchObject({ code: 'GOSHAWK_POSTGRES_FOLDER' });
  });

  it('reports its own words where it cannot start', async () => {
    writeFileSync(join(home, 'data/postgresql.auto.conf'), 'shared_buffers = many\n');
    await expect(EmbeddedPostgres.start({ folder: home, say: () => undefined })).rejects.toMatchObject({
      code: 'GOSHAWK_POSTGRES_FAILED',
      message: expect.stringContaining('many') as unknown,
    });
    writeFileSync(join(home, 'data/postgresql.auto.conf'), '');
  });
});
