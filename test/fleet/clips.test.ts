import { execFile, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, readFile, rm, truncate, utimes, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { robotClipsSchema, clipTransferSchema, type RobotClips } from '../../src/contract/fleet/clips.ts';
import { McapRecording } from '../../src/device/recording/mcap-recording.ts';
import { sha256Of } from '../../src/platform/digest.ts';
import { FleetBrokers } from '../support/fleet-brokers.ts';
import { MOSQUITTO, OPENSSL } from '../support/mosquitto.ts';
import { CHROMIUM, openChromium } from '../support/chromium.ts';
import { describeWith, itWith } from '../support/needs.ts';
import { CLI } from '../support/programs.ts';
import { writeTinyBundle } from '../support/tiny-bundle.ts';
import { makeFleetFolder } from './support/fleet-folder.ts';
import { FleetProcess } from './support/fleet-process.ts';

const folder = makeFleetFolder();
const home = join(folder.path, 'fleet');
const clips = join(folder.path, 'fetched');
const BUDGET = ['--clips-budget-mb', '64'];
const BUDGET_BYTES = 64 * 1024 ** 2;
const PATH = '/api/v1/robots/yard/r7/clips';
let brokers: FleetBrokers;
let fleet: FleetProcess;
let robot: ChildProcess;
let token = '';

const goshawk = (...args: string[]) => promisify(execFile)(process.execPath, [CLI, ...args]);

async function list(): Promise<RobotClips['clips']> {
  const answer = await fetch(`${fleet.url}${PATH}`, { headers: { authorization: `Bearer ${token}` } });
  return answer.status === 200 ? robotClipsSchema.parse(await answer.json()).clips : [];
}

function ask(clip: string, body: object = {}): Promise<Response> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
  return fetch(`${fleet.url}${PATH}/${clip}/fetch`, { method: 'POST', headers, body: JSON.stringify(body) });
}

/** A clip of another robot that was fetched before, or what has arrived of one. */
async function keepOther(name: string, bytes: number, ageSeconds: number): Promise<string> {
  const path = join(clips, 'yard/r9/run', name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, '');
  await truncate(path, bytes);
  const time = Date.now() / 1_000 - ageSeconds;
  await utimes(path, time, time);
  return path;
}

const filesOf = (
  { caFile, certFile, keyFile }: ReturnType<FleetBrokers['tlsOf']>,
  prefix: string,
): string[] => [
  ...[`--${prefix}-ca-file`, caFile, `--${prefix}-cert-file`, certFile],
  ...[`--${prefix}-key-file`, keyFile],
];

describeWith([MOSQUITTO, OPENSSL], 'clips of a robot, over a broker with its access rules', () => {
  beforeAll(async () => {
    brokers = await FleetBrokers.start('yard/r7');
    const [url = ''] = brokers.urls;
    const ingest = ['--mqtt', url, ...filesOf(brokers.tlsOf('ingestor'), 'mqtt')];
    fleet = await FleetProcess.start('--folder', home, '--clips', clips, ...BUDGET, ...ingest);
    const made = await goshawk(
      'fleet',
      'token',
      'create',
      '--folder',
      home,
      '--name',
      'op',
      '--role',
      'operator',
    );
    token = made.stdout.trim();
    const bundle = (await writeTinyBundle(join(folder.path, 'models'))).folder;
    const camera = [
      '--camera',
      'sim',
      '--rate',
      '5',
      '--size',
      '320x180',
      '--bundle',
      bundle,
      '--seconds',
      '600',
    ];
    const telemetry = ['--telemetry', url, ...filesOf(brokers.tlsOf('robots/yard/r7'), 'telemetry')];
    const names = ['--telemetry-outbox', join(folder.path, 'outbox'), '--site', 'yard', '--robot', 'r7'];
    const capture = ['--capture-dir', join(folder.path, 'clips'), '--capture-after-s', '0.5'];
    const args = ['run', ...camera, ...telemetry, ...names, ...capture, '--workers', '1', '--threads', '1'];
    robot = spawn(process.execPath, [CLI, ...args], { stdio: 'ignore' });
  });

  afterAll(async () => {
    const ended = once(robot, 'exit');
    robot.kill('SIGINT');
    await ended;
    await fleet.stop();
    await brokers.stop();
    folder.remove();
  });

  it('are offered, fetched on request with the right digest, and readable', async () => {
    await expect
      .poll(
        async () => {
          await goshawk('capture', '--capture-dir', join(folder.path, 'clips')).catch(() => undefined);
          return (await list()).length;
        },
        { timeout: 60_000, interval: 1_000 },
      )
      .toBeGreaterThan(0);
    const offered = (await list()).at(-1)!;
    expect(offered).toMatchObject({
      node: 'run',
      transfer: { state: 'offered' },
      clip: { reason: 'manual' },
    });
    const { clip, sha256 } = offered.clip;
    const [oldest, newer] = [
      await keepOther('oldest.mcap', BUDGET_BYTES - 2_000, 200_000),
      await keepOther('newer.mcap', 1_000, 100_000),
    ];
    const asked = await ask(clip);
    expect(asked.status).toBe(200);
    expect(clipTransferSchema.parse(await asked.json()).state).toBe('fetching');
    const state = async () => (await list()).find((one) => one.clip.clip === clip)?.transfer.state;
    await expect.poll(state, { timeout: 60_000, interval: 500 }).toBe('fetched');
    const path = join(clips, 'yard/r7/run', `${clip}.mcap`);
    expect(sha256Of(await readFile(path))).toBe(sha256);
    const recording = await McapRecording.open(path);
    expect(recording.topics.map(({ name }) => name)).toContain('/camera/image/compressed');
    await recording.close();
    // it would not have fitted: the oldest made room, and who asked is known
    expect([oldest, newer].map((path) => existsSync(path))).toEqual([false, true]);
    const audit = (await goshawk('fleet', 'audit', '--folder', home)).stdout;
    expect(audit).toContain('yard/r9/run/oldest');
    expect(audit).not.toContain('yard/r9/run/newer');
  });

  it('are refused with the reason while others that are being fetched leave no room', async () => {
    const part = await keepOther('coming.mcap.part', BUDGET_BYTES, 0);
    const before = await list();
    await rm(join(clips, 'yard/r7'), { recursive: true, force: true });
    const refused = await ask(before.at(-1)!.clip.clip);
    expect(refused.status).toBe(409);
    expect(await refused.text()).toContain('GOSHAWK_CLIPS_FULL');
    expect(existsSync(part)).toBe(true);
    await rm(part);
  });

  itWith(CHROMIUM, 'are fetched with a button of the page, and saved with a link', async () => {
    const { clip, sha256 } = (await list()).at(-1)!.clip;
    const path = join(clips, 'yard/r7/run', `${clip}.mcap`);
    expect(existsSync(path)).toBe(false);
    const browser = await openChromium();
    try {
      const page = await browser.newPage();
      await page.goto(`${fleet.url}/#/yard/r7`, { waitUntil: 'domcontentloaded' });
      await page.locator('#token').fill(token);
      await page.keyboard.press('Enter');
      await page.getByRole('button', { name: `Fetch clip ${clip}` }).click();
      const item = page.locator(`#clips [data-clip="${clip}"]`);
      await item.locator('.good', { hasText: 'fetched' }).waitFor({ timeout: 60_000 });
      expect(await item.textContent()).toContain(`yard/r7/run/${clip}.mcap`);

      const link = item.getByRole('link', { name: `Download clip ${clip}` });
      const [download] = await Promise.all([page.waitForEvent('download'), link.press('Enter')]);
      expect(download.suggestedFilename()).toBe(`${clip}.mcap`);
      expect(download.url()).toBe(`${fleet.url}${PATH}/${clip}/file`);
      const ofRobot = await readFile(join(folder.path, 'clips', `${clip}.mcap`));
      expect(sha256Of(ofRobot)).toBe(sha256);
      expect((await readFile(await download.path())).equals(ofRobot)).toBe(true);
      expect(page.url()).toBe(`${fleet.url}/#/yard/r7`);

      const kept = await readFile(path);
      await rm(path);
      await link.click();
      await item.getByRole('alert').filter({ hasText: 'GOSHAWK_CLIP_NOT_HERE' }).waitFor();
      await item.getByRole('button', { name: `Fetch clip ${clip}` }).waitFor();
      await writeFile(path, kept);
    } finally {
      await browser.close();
    }
    expect(sha256Of(await readFile(path))).toBe(sha256);
    const audit = (await goshawk('fleet', 'audit', '--folder', home)).stdout;
    expect(audit.match(/clip\.fetch/g)).toHaveLength(2);
    expect(audit.match(/clip\.download/g)).toHaveLength(1);
  });

  it('are refused by name if nobody offered them, and by URL if that is not https', async () => {
    expect((await ask('nobody-knows-it')).status).toBe(404);
    expect((await ask('..%2F..%2Fetc')).status).toBe(400);
    const [offered] = await list();
    const clip = offered?.clip.clip ?? '';
    expect((await ask(clip, { putUrl: 'http://storage.example/put' })).status).toBe(200);
    const reason = async () => (await list()).find((one) => one.clip.clip === clip)?.transfer.reason;
    await expect.poll(reason, { timeout: 30_000 }).toMatch(/GOSHAWK_CLIP_NOT_SENT.*not https/);
  });
});
