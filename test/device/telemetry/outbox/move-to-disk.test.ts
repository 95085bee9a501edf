import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { DiskOutbox, type DiskPorts } from '../../../../src/device/telemetry/outbox/disk-outbox.ts';
import { openOutboxFolder } from '../../../../src/device/telemetry/outbox/outbox-folder.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const ports: DiskPorts = {
  compose: ({ stream, last, body }) => JSON.stringify({ stream, last, ...body }),
  now: () => 5,
  onDirty: () => undefined,
};

const open = (folder: string) => openOutboxFolder(folder, () => undefined);

it('an outbox that began in memory moves to a real disk, which holds all of it for the next boot', async () => {
  const folder = join(await temporaryFolder('move'), 'outbox');
  // Something else is in the way.
  await writeFile(folder, '');
  await expect(open(folder)).rejects.toMatchObject({ code: 'GOSHAWK_OUTBOX_UNWRITABLE' });
  const early = await DiskOutbox.openInMemory(ports);
  early.put('metrics', { n: 1 });
  await early.flush();
  early.put('metrics', { n: 2 });
  await rm(folder);
  const found = await open(folder);
  await early.moveTo(found.store, found.marks);
  early.put('metrics', { n: 3 });
  await early.close();

  const { store, marks } = await open(folder);
  const late = await DiskOutbox.open(store, marks, ports);
  const entries = [...late.outbox.queue('metrics').all()];
  const payloads = await Promise.all(entries.map((entry) => late.payload(entry)));
  expect(payloads).toEqual([1, 2, 3].map((n) => `{"stream":"metrics","last":${n - 1},"n":${n}}`));
  expect(late.outbox.counts().gap.waiting).toBe(0);
  expect(late.outbox.boot.bootCount).toBe(1);
  await late.close();
});
