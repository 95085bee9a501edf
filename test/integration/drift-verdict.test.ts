import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import { payloadSchemaOf, type StreamPayload } from '../../src/contract/telemetry/payloads.ts';
import { openBundle } from '../../src/device/authoring/open-bundle.ts';
import { CLEAR_DAY } from '../../src/sim/drawing/conditions.ts';
import { SimObserver } from '../../src/tools/drift/bench/sim-observer.ts';
import { makeReference } from '../../src/tools/drift/make-reference.ts';
import { MOSQUITTO, Mosquitto } from '../support/mosquitto.ts';
import { describeWith } from '../support/needs.ts';
import { CLI } from '../support/programs.ts';
import { referenceOf } from '../support/made-up-reference.ts';
import { shippedBundle } from '../support/shipped-bundle.ts';
import { messagesOf } from '../support/telemetry-messages.ts';

describeWith(MOSQUITTO, 'goshawk run with a reference, a clear camera and a noisy one', () => {
  const events: StreamPayload<'event'>[] = [];
  const windows: StreamPayload<'drift'>[] = [];
  let folder = '';

  async function writeReference(file: string): Promise<void> {
    const bundle = await openBundle(shippedBundle(), () => undefined);
    const observer = await SimObserver.open(bundle);
    const rows = await observer.observe({ seed: 7, conditions: CLEAR_DAY, from: 0, seconds: 80 });
    await observer.close();
    const made = makeReference(referenceOf(bundle.manifest, bundle.digest), { name: 'day', rows }, null);
    writeFileSync(file, JSON.stringify(made));
  }

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'goshawk-verdict-'));
    const reference = join(folder, 'reference.json');
    await writeReference(reference);
    const broker = await Mosquitto.start();
    const listener = await mqtt.connectAsync(broker.url);
    listener.on('message', (topic, payload) => {
      for (const [own, text] of messagesOf(topic, payload)) {
        if (own.endsWith('/event')) events.push(payloadSchemaOf('event').parse(JSON.parse(text)));
        if (own.endsWith('/drift')) windows.push(payloadSchemaOf('drift').parse(JSON.parse(text)));
      }
    });
    await listener.subscribeAsync('fleet/#', { qos: 1 });
    const child = spawn(
      process.execPath,
      [
        ...[CLI, 'run', '--bundle', shippedBundle(), '--camera', 'sim:seed=7,loop=60'],
        ...[
          '--camera',
          'sim:seed=7,noise=0.9,loop=60',
          '--size',
          '640x360',
          '--rate',
          '5',
          '--seconds',
          '12',
        ],
        ...['--telemetry', broker.url, '--site', 'yard', '--robot', 'r1', '--drift-window-s', '6'],
        ...['--drift-reference', reference, '--drift-false-alarms-per-week', '1000', '--preprocess', 'graph'],
        ...['--workers', '1', '--threads', '1'],
      ],
      { stdio: 'ignore', env: { ...process.env, XDG_STATE_HOME: folder } },
    );
    const [code] = (await once(child, 'exit')) as [number | null];
    expect(code).toBe(0);
    await vi.waitFor(() => expect(windows.length).toBeGreaterThan(1), { timeout: 60_000 });
    await listener.endAsync(true);
    await broker.stop();
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('sends an event for the noisy camera, and none for the clear one', () => {
    const detected = events.filter(({ kind }) => kind === 'drift_detected');
    expect(detected.map(({ camera }) => camera)).toEqual(['camera2']);
    expect(detected[0]?.values['cause']).toBe('noise');
  });

  it('sends verdicts in windows', () => {
    const verdicts = windows.at(-1)?.cameras.map(({ camera, verdict }) => [camera, verdict?.state]);
    expect(verdicts).toEqual([
      ['camera1', 'ok'],
      ['camera2', 'drifted'],
    ]);
  });
});
