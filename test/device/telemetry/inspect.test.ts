import { randomUUID } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createConnection } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { telemetryLedgerSchema, telemetryReportSchema } from '../../../src/contract/telemetry/ledger.ts';
import { findOutbox, type FoundOutbox } from '../../../src/device/telemetry/inspect/find-outbox.ts';
import { askProcess } from '../../../src/device/telemetry/inspect/inspect-client.ts';
import { InspectServer } from '../../../src/device/telemetry/inspect/inspect-server.ts';
import { SOCKET_NAME } from '../../../src/device/telemetry/inspect/inspect-socket.ts';
import { Inspection } from '../../../src/device/telemetry/inspection.ts';
import { ledgerOf, reportOf } from '../../../src/device/telemetry/inspect/look.ts';
import { formatLedger, formatReport } from '../../../src/device/telemetry/inspect/words.ts';
import { DiskOutbox } from '../../../src/device/telemetry/outbox/disk-outbox.ts';
import { openOutboxFolder } from '../../../src/device/telemetry/outbox/outbox-folder.ts';
import type { Draft } from '../../../src/device/telemetry/outbox/outbox.ts';

let root: string;
let outbox: FoundOutbox;
const noLog = (): void => undefined;

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'goshawk-inspect-'));
  const folder = join(root, 'yard', 'r7', 'goshawk-detector');
  mkdirSync(folder, { recursive: true });
  outbox = await findOutbox({ telemetryOutbox: root });
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const compose = ({ stream, first, last, body }: Draft): string =>
  JSON.stringify({ stream, first, last, ...body });

async function openDisk(folder = outbox.folder): Promise<DiskOutbox> {
  const { store, marks } = await openOutboxFolder(folder, noLog);
  const now = (): number => performance.now() / 1000;
  return DiskOutbox.open(store, marks, { compose, now, onDirty: noLog }, randomUUID());
}

/** Three windows of which one is acknowledged and one lost, and two states of which one is superseded. */
async function fill(disk: DiskOutbox): Promise<void> {
  disk.put('metrics', {});
  disk.lose('metrics', 'invalid');
  disk.put('metrics', {});
  disk.put('state', {});
  disk.put('state', {});
  await disk.flush();
  const first = disk.outbox.nextWaiting('history');
  const metrics = [...disk.outbox.queue('metrics').all()][0];
  if (first === undefined || metrics === undefined) throw new Error('nothing waits');
  metrics.mayBeSent = true;
  disk.outbox.acknowledge('metrics', disk.outbox.boot.bootId, [[0, 0]]);
  await disk.flush();
}

const METRICS = {
  produced: 3,
  acknowledged: 1,
  declared: { invalid: { count: 1, ranges: [[1, 1]] } },
  waiting: 1,
  undeclared: [],
};
const STATE = {
  produced: 2,
  acknowledged: 0,
  declared: { superseded: { count: 1, ranges: [[0, 0]] } },
  waiting: 1,
};

describe('the ledger of an outbox', () => {
  it('is answered by the process that has it open, and read from the disk once that is gone', async () => {
    const disk = await openDisk();
    await fill(disk);
    const inspection = new Inspection(() => disk.outbox.content());
    const server = await InspectServer.open(outbox.folder, inspection, noLog);
    const live = telemetryLedgerSchema.parse(await ledgerOf(outbox));
    expect(live.from).toBe('process');
    expect(live.rows.find(({ stream }) => stream === 'metrics')).toMatchObject(METRICS);
    expect(live.rows.find(({ stream }) => stream === 'state')).toMatchObject(STATE);
    expect(telemetryReportSchema.parse(await reportOf(outbox))).toMatchObject({
      from: 'process',
      link: { broker: null, connected: false },
      why: 'not connected yet',
      waiting: 4,
    });
    await server?.close();
    await disk.close();

    const read = telemetryLedgerSchema.parse(await ledgerOf(outbox));
    expect(read.from).toBe('disk');
    expect(read.rows.find(({ stream }) => stream === 'metrics')).toMatchObject(METRICS);
    expect(read.rows.find(({ stream }) => stream === 'state')).toMatchObject(STATE);
    expect(formatLedger(read)).toContain('metrics  produced 3 = acknowledged 1 + declared 1 + waiting 1');
    expect(formatReport(await reportOf(outbox))).toContain('no process runs: start the detector');
  });

  it('says what the next start will declare after a process was killed, and changes nothing', async () => {
    const disk = await openDisk();
    await fill(disk);
    const files = readdirSync(join(outbox.folder, 'messages'));
    // the process has it open still, and answers nobody: as after kill -9, apart from the lock
    const { from, rows } = await ledgerOf(outbox);
    expect(from).toBe('disk');
    expect(rows.find(({ stream }) => stream === 'metrics')).toMatchObject({
      ...METRICS,
      produced: 7,
      undeclared: [{ reason: 'unsynced', ranges: [[3, 6]] }],
    });
    expect(readdirSync(join(outbox.folder, 'messages'))).toEqual(files);
    disk.put('metrics', {});
    await disk.flush();
    await disk.close();
  });

  it('is read of a damaged outbox, which stays as it is', async () => {
    const disk = await openDisk();
    await fill(disk);
    await disk.close();
    const messages = join(outbox.folder, 'messages');
    const manifest = readdirSync(messages).find((name) => name.startsWith('MANIFEST'));
    const file = join(messages, manifest ?? '');
    writeFileSync(file, Buffer.alloc(statSync(file).size, 7));
    const before = readFileSync(file);
    const { rows } = await ledgerOf(outbox);
    expect(rows.find(({ stream }) => stream === 'metrics')).toMatchObject(METRICS);
    expect(readFileSync(file)).toEqual(before);
  });

  it('is not empty where it cannot be read, but refused', async () => {
    writeFileSync(join(outbox.folder, 'messages'), 'no folder');
    await expect(ledgerOf(outbox)).rejects.toMatchObject({ code: 'GOSHAWK_FILE_UNREADABLE' });
  });

  it('is answered by one server, also after the disk was opened again', async () => {
    const inspection = new Inspection(() => null);
    await inspection.serve(outbox.folder, noLog);
    const early = createConnection(join(outbox.folder, SOCKET_NAME), () => early.write('{"ask":"tail"}\n'));
    await new Promise((resolve) => early.once('data', resolve));
    const isLeft = new Promise((resolve) => early.once('close', resolve));
    await inspection.serve(outbox.folder, noLog);
    await isLeft;
    for await (const line of askProcess(outbox.folder, 'ledger')) expect(line).toBe('{"rows":[]}');
    await inspection.close();
    expect(readdirSync(outbox.folder)).not.toContain(SOCKET_NAME);
  });

  it('adds up over many losses; the newest ranges are shown', async () => {
    const disk = await openDisk();
    for (let i = 0; i < 200; i += 1) {
      disk.put('metrics', {});
      disk.lose('metrics', 'invalid');
      await disk.flush();
    }
    const inspection = new Inspection(() => disk.outbox.content());
    const server = await InspectServer.open(outbox.folder, inspection, noLog);
    const row = (await ledgerOf(outbox)).rows.find(({ stream }) => stream === 'metrics');
    expect(row).toMatchObject({ produced: 400, acknowledged: 0, waiting: 200, undeclared: [] });
    expect(row?.declared['invalid']).toMatchObject({ count: 200 });
    expect(row?.declared['invalid']?.ranges).toHaveLength(64);
    expect(row?.declared['invalid']?.ranges.at(-1)).toEqual([399, 399]);
    await server?.close();
    await disk.close();
  });
});

describe('the socket of an outbox', () => {
  const source = { answer: (ask: string): object => ({ ask }) };

  it('is taken over from a process that was killed, and works in a folder with a long path', async () => {
    const folder = join(root, 'x'.repeat(60), 'y'.repeat(60), 'z'.repeat(60));
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, SOCKET_NAME), '');
    const server = await InspectServer.open(folder, source, noLog);
    const lines: string[] = [];
    for await (const line of askProcess(folder, 'link')) lines.push(line);
    expect(lines).toEqual(['{"ask":"link"}']);
    await server?.close();
    for await (const line of askProcess(folder, 'link')) lines.push(line);
    expect(lines).toHaveLength(1);
  });

  it('shows messages as they are made, and skips what a reader does not take', async () => {
    const server = await InspectServer.open(outbox.folder, source, noLog);
    const lines: string[] = [];
    for await (const line of askProcess(outbox.folder, 'tail')) {
      lines.push(line);
      if (lines.length === 1) server?.note('metrics', '{"n":1}');
      if (lines.length === 2) for (let i = 0; i < 100; i += 1) server?.note('state', 'x'.repeat(100_000));
      if (lines.length === 3) setTimeout(() => server?.note('metrics', 'end'), 300);
      if (line.includes('"end"')) break;
    }
    expect(lines.slice(0, 2)).toEqual(['{"skipped":0}', '{"stream":"metrics","payload":"{\\"n\\":1}"}']);
    const skipped = lines.map((line) => JSON.parse(line) as { skipped?: number }).at(-2)?.skipped ?? 0;
    expect(skipped).toBeGreaterThan(50);
    expect(lines).toHaveLength(2 + 100 - skipped + 2);
    await server?.close();
  });

  it('hangs up on whatever is not a question, and goes on', async () => {
    const server = await InspectServer.open(outbox.folder, source, noLog);
    for (const text of ['\n', '{"ask":"everything"}\n', '['.repeat(500) + '\n', 'x'.repeat(5_000)]) {
      await new Promise<void>((resolve) => {
        const socket = createConnection(join(outbox.folder, SOCKET_NAME), () => socket.write(text));
        socket.on('error', () => undefined);
        socket.on('close', () => resolve());
        socket.resume();
      });
    }
    for await (const line of askProcess(outbox.folder, 'ledger')) expect(line).toBe('{"ask":"ledger"}');
    await server?.close();
  });

  it('is not needed: a folder that takes none costs a line', async () => {
    const lines: string[] = [];
    const server = await InspectServer.open(join(root, 'gone'), source, (line) => lines.push(line));
    expect(server).toBeNull();
    expect(lines).toEqual([expect.stringContaining('cannot ask this process')]);
  });
});

describe('the outbox that is looked at', () => {
  it('is the only one that fits what is given', async () => {
    mkdirSync(join(root, 'yard', 'r8', 'run'), { recursive: true });
    await expect(findOutbox({ telemetryOutbox: root })).rejects.toMatchObject({
      code: 'GOSHAWK_OUTBOX_NOT_FOUND',
    });
    expect((await findOutbox({ telemetryOutbox: root, robot: 'r8' })).node).toBe('run');
    expect((await findOutbox({ telemetryOutbox: root, node: '/goshawk/detector' })).robot).toBe('r7');
    await expect(findOutbox({ telemetryOutbox: root, robot: 'r9' })).rejects.toThrow(
      'none fits; there are yard/r7',
    );
    await expect(findOutbox({ telemetryOutbox: join(root, 'no') })).rejects.toThrow('there is none');
  });
});
