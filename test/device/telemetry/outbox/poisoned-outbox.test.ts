import { randomBytes } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { lstat, mkdir, readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ClassicLevel } from 'classic-level';
import { afterAll, beforeEach, describe, expect, it } from 'vitest';
import { DiskOutbox } from '../../../../src/device/telemetry/outbox/disk-outbox.ts';
import { openOutboxFolder } from '../../../../src/device/telemetry/outbox/outbox-folder.ts';
import { itWith, ROOT_USER } from '../../../support/needs.ts';

const root = mkdtempSync(join(tmpdir(), 'goshawk-poisoned-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

let count = 0;
let folder = '';
const at = (name: string): string => join(folder, name);

beforeEach(() => {
  count += 1;
  folder = join(root, String(count));
});

/** Opens it, as a boot does. @returns the outbox, and what was logged */
async function boot(): Promise<{ outbox: DiskOutbox; lines: string[] }> {
  const lines: string[] = [];
  const { store, marks } = await openOutboxFolder(folder, (line) => lines.push(line));
  const outbox = await DiskOutbox.open(store, marks, {
    compose: ({ first, last, body }) => JSON.stringify({ first, last, ...body }),
    now: () => 0,
    onDirty: () => undefined,
  });
  return { outbox, lines };
}

/** A boot that leaves five windows, and ends as `end` says. */
async function leaveFive(end: 'closed' | 'killed'): Promise<void> {
  const { outbox } = await boot();
  for (let i = 0; i < 5; i += 1) outbox.put('metrics', {});
  await outbox.flush();
  if (end === 'closed') await outbox.close();
  else await kill(outbox);
}

/** The numbers that it reserved are not given back. */
async function kill(outbox: DiskOutbox): Promise<void> {
  const before = readFileSync(at('marks'));
  await outbox.close();
  writeFileSync(at('marks'), before);
}

async function fillWithJunk(): Promise<void> {
  for (const name of await readdir(at('messages')))
    if (name !== 'LOCK') writeFileSync(at(`messages/${name}`), randomBytes(5_000));
}

/** The fleet has every window of a boot. */
function acknowledgeAllOf(bootCount: number, { outbox }: DiskOutbox): void {
  for (const entry of [...outbox.queue('metrics').all()]) {
    const { stream, boot } = entry.account;
    if (boot.bootCount !== bootCount) continue;
    entry.mayBeSent = true;
    outbox.acknowledge(stream, boot.bootId, [[entry.first, entry.last]]);
  }
}

/** It works: what is put is there after the next boot. */
async function expectUsable(outbox: DiskOutbox): Promise<void> {
  const before = outbox.outbox.counts().event.waiting;
  outbox.put('event', { kind: 'camera_back' });
  await outbox.close();
  const next = await boot();
  expect(next.outbox.outbox.counts().event.waiting).toBe(before + 1);
  await next.outbox.close();
}

describe('an outbox that somebody has tampered with', () => {
  it('takes a folder full of junk for damaged, and declares what was in it', async () => {
    await leaveFive('closed');
    await fillWithJunk();
    const { outbox, lines } = await boot();
    expect(lines.join('\n')).toContain('is damaged and is repaired');
    expect(outbox.outbox.counts().metrics).toMatchObject({ waiting: 0, declared: { unsynced: 5 } });
    await expectUsable(outbox);
  });

  it('declares what several boots left where nothing can be repaired, but for what the fleet has', async () => {
    for (const windows of [7, 3, 5]) {
      const { outbox } = await boot();
      for (let i = 0; i < windows; i += 1) outbox.put('metrics', {});
      if (windows === 5) acknowledgeAllOf(1, outbox);
      await outbox.close();
    }
    await fillWithJunk();
    const { outbox } = await boot();
    const declared = outbox.outbox
      .content()
      .accounts.filter(({ stream }) => stream === 'metrics')
      .map((account) => [account.boot.bootCount, account.declared.records()]);
    expect(declared).toEqual([
      [0, { corrupted: { count: 7, ranges: [[0, 6]] } }],
      [2, { unsynced: { count: 5, ranges: [[0, 4]] } }],
    ]);
    expect(outbox.outbox.boot.bootCount).toBe(3);
    await expectUsable(outbox);
  });

  it('goes on where its marks are junk or gone, since the database has a copy', async () => {
    await leaveFive('killed');
    writeFileSync(at('marks'), randomBytes(8_192));
    const { outbox } = await boot();
    expect(outbox.outbox.boot.bootCount).toBe(1);
    expect(outbox.outbox.counts().metrics).toMatchObject({ waiting: 5 });
    await outbox.close();
    rmSync(at('marks'));
    const next = await boot();
    expect(next.outbox.outbox.boot.bootCount).toBe(2);
    await expectUsable(next.outbox);
  });

  it('deletes the records of another database, and huge ones', async () => {
    const foreign = new ClassicLevel(at('messages'));
    await mkdir(folder, { recursive: true });
    await foreign.open();
    await foreign.put('users!1', 'alice');
    await foreign.put('e!metrics!0000000000!0000000000000001', 'x'.repeat(20 << 20));
    await foreign.put('e!metrics', JSON.stringify({ first: 1 }));
    await foreign.put('a!metrics!0000000000', '{"next":1e300}');
    await foreign.put('s!meter', '[]');
    await foreign.put('s!marks', '{"bootCount":-1}');
    await foreign.close();
    const { outbox } = await boot();
    expect(outbox.outbox.counts().metrics.waiting).toBe(0);
    await outbox.close();
    const keys: string[] = [];
    await foreign.open();
    for await (const key of foreign.keys()) keys.push(key);
    await foreign.close();
    expect(keys.filter((key) => !key.startsWith('s!'))).toEqual([]);
  });

  it('puts aside links, pipes and files in its place, and touches nothing behind them', async () => {
    const elsewhere = join(root, `elsewhere-${String(count)}`);
    writeFileSync(elsewhere, 'precious');
    await mkdir(folder, { recursive: true });
    symlinkSync(elsewhere, at('marks'));
    symlinkSync(root, at('messages'));
    const before = await readdir(root);
    const { outbox, lines } = await boot();
    expect(lines).toHaveLength(2);
    expect(readFileSync(elsewhere, 'utf8')).toBe('precious');
    expect(await readdir(root)).toEqual(before);
    expect(readlinkSync(at('messages.damaged'))).toBe(root);
    expect((await lstat(at('messages'))).isDirectory()).toBe(true);
    await expectUsable(outbox);
    rmSync(folder, { recursive: true });
    await mkdir(folder);
    writeFileSync(at('messages'), 'a file');
    spawnSync('mkfifo', [at('marks')]);
    await expectUsable((await boot()).outbox);
  });

  itWith(ROOT_USER, 'is refused with its code if it is of another user', async () => {
    await leaveFive('closed');
    chmodSync(root, 0o755);
    const entry = new URL('../../../../src/device/telemetry/outbox/level-store.ts', import.meta.url).href;
    const script = `import(${JSON.stringify(entry)}).then(({ LevelStore }) =>
      LevelStore.open(${JSON.stringify(at('messages'))}, console.log)).then(
      () => console.log('opened'), ({ code }) => console.log(code))`;
    const { stdout, stderr } = spawnSync(process.execPath, ['-e', script], { uid: 65_534, encoding: 'utf8' });
    expect(stdout + stderr).toContain('GOSHAWK_OUTBOX_UNWRITABLE');
  });
});
