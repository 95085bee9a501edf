import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { openOutboxFolder } from '../../../../src/device/telemetry/outbox/outbox-folder.ts';

const root = mkdtempSync(join(tmpdir(), 'goshawk-descriptors-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

interface Attempt {
  readonly lines: readonly string[];
  readonly records?: number;
  readonly code?: string;
  readonly message?: string;
}

/** Runs the script next to this file in a process that may have few descriptors open. */
function withFewDescriptors(folder: string): unknown[] {
  const script = fileURLToPath(new URL('./few-descriptors-main.ts', import.meta.url));
  const { stdout, stderr } = spawnSync(
    'sh',
    ['-c', 'ulimit -n 64; exec "$@"', 'sh', process.execPath, script, folder],
    { encoding: 'utf8' },
  );
  expect(stderr).toBe('');
  return stdout
    .trim()
    .split('\n')
    .map((line): unknown => JSON.parse(line));
}

it('an outbox is neither repaired nor loses anything where descriptors run out, at whichever file', async () => {
  const folder = join(root, 'outbox');
  const { store, marks } = await openOutboxFolder(folder, () => undefined);
  // more than the write buffer, so that there are tables
  for (let i = 0; i < 60; i += 1) await store.write(new Map([[`e${i}`, 'x'.repeat(30_000)]]));
  await marks.close();
  await store.close();
  const results = withFewDescriptors(folder);
  const attempts = results.slice(0, -1) as Attempt[];
  const refused = attempts.filter(({ code }) => code !== undefined);
  const opened = attempts.filter(({ code }) => code === undefined);
  expect(refused.length).toBeGreaterThan(2);
  expect(opened.length).toBeGreaterThan(2);
  for (const { code, message } of refused) {
    expect(code).toBe('GOSHAWK_OUTBOX_UNWRITABLE');
    expect(message).toContain('Too many open files');
  }
  for (const { records } of opened) expect(records).toBe(60);
  for (const { lines } of attempts) expect(lines).toEqual([]);
  expect(readdirSync(folder).sort()).toEqual(['marks', 'messages']);
  // and where it was open before: what it took is there, and it goes on once there are descriptors again
  expect(results.at(-1)).toMatchObject({
    error: expect.stringContaining('Too many open files') as string,
    isRefusedAgain: true,
    late: '',
    isComplete: true,
  });
});
