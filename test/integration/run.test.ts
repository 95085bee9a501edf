import { spawn, spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runReportSchema } from '../../src/contract/report.ts';
import { statusSchema } from '../../src/contract/status.ts';
import { makeFleetFolder } from '../fleet/support/fleet-folder.ts';
import { writeRecording } from '../device/camera/recording.ts';
import { writeTinyBundle } from '../support/tiny-bundle.ts';
import { CLI } from '../support/programs.ts';

let folder = '';
let bundle = '';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'goshawk-run-'));
  bundle = (await writeTinyBundle(join(folder, 'models'))).folder;
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

interface Ended {
  code: number | null;
  output: string;
}

/** Runs the command; `onOutput` sees what it has printed so far. */
function goshawk(
  args: readonly string[],
  env: Record<string, string> = {},
  onOutput: (output: string, kill: (signal: NodeJS.Signals) => void) => void = () => undefined,
): Promise<Ended> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [CLI, ...args], { env: { ...process.env, ...env } });
    let output = '';
    const take = (chunk: Buffer): void => {
      output += chunk.toString('utf8');
      onOutput(output, (signal) => child.kill(signal));
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    child.once('close', (code) => resolve({ code, output }));
  });
}

describe('goshawk run', () => {
  it.each(['worker', 'child'])(
    'accounts for every frame with a %s engine, and writes a report',
    async (engine) => {
      const report = join(folder, `${engine}.json`);
      const { code, output } = await goshawk([
        ...['run', '--camera', 'sim', '--size', '320x180', '--bundle', bundle, '--engine', engine],
        ...['--seconds', '3', '--report', report],
      ]);
      expect(output).toContain('ended:');
      expect(code).toBe(0);
      const { frames, fps } = runReportSchema.parse(JSON.parse(readFileSync(report, 'utf8')));
      const dropped = Object.values(frames.drops).reduce((sum, count) => sum + count, 0);
      expect(frames.published).toBeGreaterThan(0);
      expect(frames.received).toBe(frames.published + dropped);
      expect(fps.out).toBeGreaterThan(0);
    },
  );

  it('counts unreadable images of a recording, in the report and in its last line', async () => {
    const recording = join(folder, 'damaged.mcap');
    const topic = { topic: '/front/image_raw', frames: 9, periodMs: 50, broken: (i: number) => i % 3 === 0 };
    await writeRecording(recording, { topics: [topic] });
    const report = join(folder, 'damaged.json');
    const camera = `mcap:${recording},topic=/front/image_raw,loop=false`;
    const { code, output } = await goshawk([
      ...['run', '--camera', camera, '--bundle', bundle, '--report', report, '--seconds', '30'],
    ]);
    expect(output).toContain('camera: 3 unreadable');
    expect(code).toBe(0);
    const { frames, sources } = runReportSchema.parse(JSON.parse(readFileSync(report, 'utf8')));
    expect(sources?.['camera']?.unreadable).toBe(3);
    expect(frames.drops.malformed).toBe(3);
    expect(frames.received).toBe(3 + (sources?.['camera']?.delivered ?? 0));
  });

  it('leaves no process behind when it is killed in the middle of its work', async () => {
    const args = ['run', '--camera', 'sim', '--size', '320x180', '--bundle', bundle, '--engine', 'child'];
    const parent = spawn(process.execPath, [CLI, ...args], { stdio: 'ignore' });
    const ended = new Promise((resolve) => parent.once('close', resolve));
    const children = (): number[] => {
      const { stdout } = spawnSync('ps', ['-o', 'pid=', '--ppid', String(parent.pid)], { encoding: 'utf8' });
      return stdout.trim().split(/\s+/).filter(Boolean).map(Number);
    };
    await expect.poll(() => children().length, { timeout: 30_000 }).toBe(1);
    const [child] = children();
    parent.kill('SIGKILL');
    await ended;
    const isAlive = (): boolean => {
      try {
        return process.kill(child!, 0);
      } catch {
        return false;
      }
    };
    await expect.poll(isAlive, { timeout: 30_000 }).toBe(false);
  });

  it('exits with its report and code 0 if Ctrl-C is pressed twice', async () => {
    const report = join(folder, 'twice.json');
    let isPressed = false;
    const { code, output } = await goshawk(
      ['run', '--camera', 'sim', '--size', '320x180', '--bundle', bundle, '--report', report],
      {},
      (text, kill) => {
        if (isPressed || !/\d out fps/.test(text)) return;
        isPressed = true;
        kill('SIGINT');
        setTimeout(() => kill('SIGINT'), 10);
      },
    );
    expect(output).toContain('ended:');
    expect(code, output).toBe(0);
    runReportSchema.parse(JSON.parse(readFileSync(report, 'utf8')));
  });

  it('exits cleanly under repeated signals, except for the third one before it has ended', async () => {
    let again: NodeJS.Timeout | undefined;
    const { code, output } = await goshawk(
      ['run', '--camera', 'sim', '--size', '320x180', '--bundle', bundle, '--seconds', '0.5'],
      {},
      (text, kill) => {
        if (again !== undefined || !text.includes('ended:')) return;
        again = setInterval(() => kill('SIGINT'), 5);
      },
    );
    clearInterval(again);
    expect(code, output).toBe(0);
  });

  it('serves status, metrics and health, and exits cleanly on SIGTERM', async () => {
    const seen: { status?: unknown; health?: number; metrics?: string } = {};
    let asked = false;
    const { code, output } = await goshawk(
      ['run', '--camera', 'sim', '--size', '320x180', '--bundle', bundle, '--port', '0'],
      {},
      (text, kill) => {
        const url = /web page: (\S+)/.exec(text)?.[1];
        if (url === undefined || asked) return;
        asked = true;
        const ask = async (): Promise<void> => {
          for (let attempt = 0; attempt < 1_200; attempt += 1) {
            const status = statusSchema.parse(await (await fetch(`${url}/api/status`)).json());
            seen.status = status;
            if (status.frames.published > 5) break;
            await new Promise((resolve) => setTimeout(resolve, 50));
          }
          seen.health = (await fetch(`${url}/healthz`)).status;
          seen.metrics = await (await fetch(`${url}/metrics`)).text();
        };
        void ask().finally(() => kill('SIGTERM'));
      },
    );
    expect(output).toContain('ended:');
    expect(code).toBe(0);
    const { frames } = statusSchema.parse(seen.status);
    const dropped = Object.values(frames.drops).reduce((sum, count) => sum + count, 0);
    expect(frames.published).toBeGreaterThan(5);
    expect(frames.received).toBe(frames.published + dropped + frames.inFlight);
    expect(seen.health).toBe(200);
    expect(seen.metrics).toMatch(/^goshawk_frames_published_total\{.*camera="camera".*\} \d+$/m);
  });

  it.each([
    [['run', '--bundle', 'no-such-model'], 'GOSHAWK_BUNDLE_NOT_FOUND'],
    [['run', '--camera', 'webcam:0', '--bundle', 'BUNDLE'], 'GOSHAWK_CAMERA_SPEC'],
    [['run', '--camera', 'dir:/nowhere', '--bundle', 'BUNDLE'], 'GOSHAWK_'],
    [['run', '--bundle', 'BUNDLE', '--providers', 'tensorrt', '--strict'], 'GOSHAWK_PROVIDER_UNAVAILABLE'],
    [
      ['run', '--bundle', 'BUNDLE', '--telemetry', 'mqtt://user:secret@127.0.0.1'],
      'GOSHAWK_PARAMETER_INVALID',
    ],
  ])('refuses %j with a code and what to do', async (args, expected) => {
    const { code, output } = await goshawk(args.map((word) => (word === 'BUNDLE' ? bundle : word)));
    expect(code).toBe(1);
    expect(output).toContain(expected);
    expect(output).not.toContain('secret');
    expect(output).not.toMatch(/^\s+at /m);
  });

  it('continues without its broker', async () => {
    const { code, output } = await goshawk([
      ...['run', '--camera', 'sim', '--size', '320x180', '--bundle', bundle, '--seconds', '3'],
      ...['--telemetry', 'mqtt://127.0.0.1:9'],
    ]);
    expect(output).toContain('GOSHAWK_BROKER_UNREACHABLE');
    expect(output).toMatch(/ended: \d+ frames received, [1-9]/);
    expect(code).toBe(0);
  });
});

describe('goshawk demo without ROS 2', () => {
  const demo = (
    home: string,
    report: string,
    more: readonly string[],
    onOutput?: (output: string, kill: (signal: NodeJS.Signals) => void) => void,
  ): Promise<Ended> =>
    goshawk(
      [
        ...['demo', '--bundle', bundle, '--size', '320x180', '--port', '0', '--folder', home],
        ...['--report', report, ...more],
      ],
      { GOSHAWK_NO_ROS: '1' },
      onOutput,
    );

  const storedIn = (output: string): number =>
    Number([...output.matchAll(/fleet: (\d+) messages stored/g)].at(-1)?.[1] ?? 0);

  it('reports that, runs the same pipeline, and stores what it sends, over several runs', async () => {
    const home = makeFleetFolder();
    try {
      const stored: number[] = [];
      for (const report of [join(folder, 'demo1.json'), join(folder, 'demo2.json')]) {
        const before = stored.at(-1) ?? 0;
        let isOver = false;
        // a busy machine is late with the first message
        const { code, output } = await demo(home.path, report, [], (text, kill) => {
          if (isOver || storedIn(text) <= before) return;
          isOver = true;
          kill('SIGINT');
        });
        expect(output).toContain('no ROS 2');
        expect(output).toContain('telemetry: connected');
        expect(code, output).toBe(0);
        const { frames } = runReportSchema.parse(JSON.parse(readFileSync(report, 'utf8')));
        expect(frames.published).toBeGreaterThan(0);
        const said = [...output.matchAll(/fleet: (\d+) messages stored, ledger complete/g)].at(-1);
        expect(said, output).toBeDefined();
        stored.push(Number(said?.[1]));
      }
      expect(stored[0]).toBeGreaterThan(0);
      expect(stored[1]).toBeGreaterThan(stored[0]!);
      // nothing is left behind
      expect(existsSync(join(home.path, 'fleet/data/PG_VERSION'))).toBe(true);
      expect(existsSync(join(home.path, 'fleet/data/postmaster.pid'))).toBe(false);
    } finally {
      home.remove();
    }
  });

  it('goes on without a fleet where that cannot start', async () => {
    const home = makeFleetFolder();
    try {
      writeFileSync(join(home.path, 'fleet'), 'in the way');
      const { code, output } = await demo(home.path, join(folder, 'alone.json'), ['--seconds', '6']);
      expect(output).toMatch(/fleet: GOSHAWK_POSTGRES_FOLDER: .*the demo goes on without it/);
      expect(output).toMatch(/ended: \d+ frames received, [1-9]/);
      expect(code).toBe(0);
    } finally {
      home.remove();
    }
  });
});
