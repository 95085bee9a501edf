import { spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import type { StreamBody } from '../../../src/contract/telemetry/streams.ts';
import { TelemetryClient } from '../../../src/device/telemetry/telemetry-client.ts';

const event = (kind: string): StreamBody<'event'> => ({
  kind,
  severity: 'info',
  text: '',
  values: {},
});

it('starts its thread again when that ends, as another boot, which declares what nobody took', async () => {
  const outbox = mkdtempSync(join(tmpdir(), 'goshawk-thread-'));
  onTestFinished(() => rmSync(outbox, { recursive: true, force: true }));
  const codes: (string | null)[] = [];
  const client = new TelemetryClient(
    {
      urls: ['mqtt://127.0.0.1:9'],
      site: 'yard',
      robot: 'r1',
      node: 'detector',
      manufacturer: 'Goshawk',
      bootId: randomUUID(),
      outbox,
    },
    new URL('./mortal-main.ts', import.meta.url),
    ({ code }) => {
      codes.push(code);
      // While there is no thread: nobody takes these.
      if (code === 'GOSHAWK_TELEMETRY_ENDED')
        for (let i = 0; i < 3; i += 1) client.send('event', event('camera_back'));
    },
    () => undefined,
  );
  onTestFinished(() => client.close());
  const events = (): object | undefined => client.status.streams?.event;
  client.send('event', event('camera_silent'));
  await expect.poll(events).toMatchObject({ produced: 1, waiting: 1 });
  client.send('event', event('deadly'));
  // The next boot finds the first event and declares three, and whoever of the first boot was on its way.
  await expect.poll(events).toMatchObject({ restored: 1, declared: { not_taken: 3 } });
  expect(codes).toContain('GOSHAWK_TELEMETRY_ENDED');
  expect(client.status).toMatchObject({ untaken: 3, outbox: null });
  client.send('event', event('camera_silent'));
  await expect.poll(events).toMatchObject({ produced: 4, waiting: 2 });
  // the thread starts twice, and lets all others go first
}, 240_000);

it('lets the process end although its thread is inside a call that does not return', () => {
  const folder = mkdtempSync(join(tmpdir(), 'goshawk-stuck-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const pipe = join(folder, 'pipe');
  spawnSync('mkfifo', [pipe]);
  const script = fileURLToPath(new URL('./stuck-process.ts', import.meta.url));
  // The limit only ends a process that would never end.
  const { stdout, signal } = spawnSync(process.execPath, [script, pipe], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  expect([stdout, signal]).toEqual(['closed\n', 'SIGKILL']);
});
