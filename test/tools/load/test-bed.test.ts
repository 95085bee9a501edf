import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { TestBed, type LoadDatabase } from '../../../src/tools/load/test-bed.ts';
import { inTemporaryFolder } from '../../../src/platform/temporary-folder.ts';

it('ends its database if a broker cannot be set up', async () => {
  await inTemporaryFolder('bed', async (folder) => {
    mkdirSync(join(folder, 'broker-1'));
    let stops = 0;
    const database: LoadDatabase = {
      url: 'postgresql://127.0.0.1:9/goshawk',
      env: {},
      pid: null,
      storedNumbers: () => Promise.resolve([]),
      sizes: () => Promise.resolve({ bytes: 0, walBytes: 0 }),
      copyRate: () => Promise.resolve(0),
      stop: () => {
        stops += 1;
        return Promise.resolve();
      },
    };
    const options = { brokers: 1, ingestors: 1, areAcksEarly: false, folder, cli: 'cli.js' };
    const started = TestBed.start(
      { ...options, signal: new AbortController().signal },
      { startDatabase: () => Promise.resolve(database) },
    );
    await expect(started).rejects.toThrow(/EEXIST.*broker-1/);
    expect(stops).toBe(1);
  });
});
