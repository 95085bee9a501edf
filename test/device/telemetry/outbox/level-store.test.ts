import { open, readdir, readFile, rename, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { LevelStore } from '../../../../src/device/telemetry/outbox/level-store.ts';
import type { OutboxStore } from '../../../../src/device/telemetry/outbox/store.ts';
import { temporaryFolder } from '../../../support/temporary-folder.ts';

const newFolder = (): Promise<string> => temporaryFolder('level');

const opened: OutboxStore[] = [];
afterEach(async () => {
  for (const store of opened.splice(0)) await store.close();
});

async function openStore(folder: string, lines: string[] = []): Promise<LevelStore> {
  const store = await LevelStore.open(folder, (line) => lines.push(line));
  opened.push(store);
  return store;
}

async function contentOf(store: OutboxStore): Promise<Record<string, string>> {
  const content: Record<string, string> = {};
  for await (const [key, record] of store.records()) content[key] = record;
  return content;
}

describe('an outbox in LevelDB', () => {
  it('holds what was written when it is opened again', async () => {
    const folder = await newFolder();
    const store = await openStore(folder);
    await store.write(
      new Map([
        ['b', '2'],
        ['a', '1'],
        ['c', '3'],
      ]),
    );
    await store.write(new Map([['c', null]]));
    await store.close();
    opened.length = 0;
    const again = await openStore(folder);
    expect(await contentOf(again)).toEqual({ a: '1', b: '2' });
    expect(await again.read(['a', 'c', 'b'])).toEqual(['1', undefined, '2']);
    expect(await again.read([])).toEqual([]);
  });

  it('says that it cannot be read, rather than that a record is not there', async () => {
    const store = await openStore(await newFolder());
    await store.write(new Map([['a', '1']]));
    await store.close();
    await expect(store.read(['a'])).rejects.toThrow('not open');
  });

  it('is refused while another holder has it open', async () => {
    const folder = await newFolder();
    await openStore(folder);
    await expect(LevelStore.open(folder, () => undefined)).rejects.toMatchObject({
      code: 'GOSHAWK_OUTBOX_IN_USE',
      message: expect.stringContaining(folder) as string,
    });
  });

  it('is refused where its folder cannot be made', async () => {
    const file = join(await newFolder(), 'file');
    await writeFile(file, '');
    await expect(LevelStore.open(join(file, 'messages'), () => undefined)).rejects.toMatchObject({
      code: 'GOSHAWK_OUTBOX_UNWRITABLE',
    });
  });

  it('is left as it is where the disk fails to read, and opens once it can', async () => {
    const folder = await newFolder();
    const store = await openStore(folder);
    await store.write(new Map([['a', '1']]));
    await store.close();
    opened.length = 0;
    const current = join(folder, 'CURRENT');
    await rename(current, join(folder, 'kept'));
    // reading it is EIO
    await symlink('/proc/self/mem', current);
    const before = await readdir(folder);
    const lines: string[] = [];
    await expect(LevelStore.open(folder, (line) => lines.push(line))).rejects.toMatchObject({
      code: 'GOSHAWK_OUTBOX_UNWRITABLE',
      message: expect.stringContaining('Input/output error') as string,
    });
    expect(lines).toEqual([]);
    expect(await readdir(folder)).toEqual(expect.arrayContaining(before));
    await rename(join(folder, 'kept'), current);
    expect(await contentOf(await openStore(folder))).toEqual({ a: '1' });
  });

  it('reads all records but those that were damaged since', async () => {
    const folder = await newFolder();
    const store = await openStore(folder);
    const keys = Array.from({ length: 100 }, (_, i) => `key${String(i)}`);
    const text = Array.from({ length: 4000 }, (_, i) => String(i * 7919)).join();
    for (const key of keys) await store.write(new Map([[key, text + key]]));
    await store.close();
    opened.length = 0;
    const again = await openStore(folder);
    const table = (await readdir(folder)).find((name) => name.endsWith('.ldb'));
    // in place: the database has it mapped
    const file = await open(join(folder, table!), 'r+');
    await file.write(Buffer.alloc(1_000, 0x55), 0, 1_000, 50_000);
    await file.close();
    const records = await again.read(keys);
    const read = keys.filter((key, i) => records[i] === text + key);
    const damaged = records.filter((record) => record === undefined);
    expect(damaged.length).toBeGreaterThan(0);
    expect(read.length).toBeGreaterThan(90);
    expect(read.length + damaged.length).toBe(keys.length);
  });

  it.each(['CURRENT', 'MANIFEST', '.log', '.ldb'])(
    'opens, and says so, after damage to its %s',
    async (part) => {
      const folder = await newFolder();
      const store = await openStore(folder);
      // more than the write buffer, so that there are tables
      const text = Array.from({ length: 4000 }, (_, i) => String(i * 7919)).join();
      for (let i = 0; i < 100; i += 1) await store.write(new Map([[`key${String(i)}`, text + String(i)]]));
      await store.close();
      opened.length = 0;
      const file = (await readdir(folder)).find((name) => name.includes(part));
      expect(file).toBeDefined();
      const path = join(folder, file!);
      const bytes = await readFile(path);
      for (let at = 0; at < bytes.length; at += 997) bytes[at] = 0x55;
      await writeFile(path, bytes);
      const lines: string[] = [];
      const again = await openStore(folder, lines);
      await again.write(new Map([['new', 'record']]));
      expect(await again.read(['new'])).toEqual(['record']);
      for (const [key, record] of Object.entries(await contentOf(again)))
        if (key.startsWith('key')) expect(record).toBe(text + key.slice(3));
    },
  );
});
