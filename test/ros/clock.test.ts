import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { runReportSchema, type RunReport } from '../../src/contract/report.ts';
import { jsonLines, RosBench, type RosProcess } from './support/ros-process.ts';
import { shippedBundle } from '../support/shipped-bundle.ts';
import { describeWith, ROS } from '../support/needs.ts';

const bundle = shippedBundle();

/** Start time of the player's clock, different from the clock of any machine that runs this. */
const START = 1_550_000_000;
const TOPIC = '/front/image_raw';

describeWith(ROS, '/clock, published as "ros2 bag play --clock" does', () => {
  const bench = new RosBench(7);
  let folder: string;
  const running: RosProcess[] = [];

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'goshawk-clock-'));
  });
  afterEach(async () => {
    for (const process of running.splice(0)) await process.stop();
  });
  afterAll(async () => {
    await bench.close();
    rmSync(folder, { recursive: true });
  });

  it('stamps the frames of a camera node under use_sim_time, which reports while there is none', async () => {
    const camera = bench.node('camera', { rate: '20.0', width: '64', height: '48', use_sim_time: 'true' });
    running.push(camera);
    await camera.waitFor(/use_sim_time is set but no \/clock message has arrived/, 30);
    const player = bench.peer('clock_player.py', '--listen', '/camera/image_raw', '--count', '40');
    await camera.waitFor(/resolved: \/clock has arrived/, 30);
    await player.exit;
    const stamps = jsonLines(player.output).slice(0, -1) as { sec: number }[];
    expect(stamps).toHaveLength(40);
    const simulated = stamps.map(({ sec }) => sec).filter((sec) => sec >= START && sec < START + 60);
    // frames in flight when the clock started may still be stamped 0
    expect(simulated.length).toBeGreaterThan(30);
  });

  describe('and a detector', () => {
    /** The outcome of the frames that a player sent. */
    async function sendTo(
      parameters: Readonly<Record<string, string>>,
      ...args: string[]
    ): Promise<RunReport> {
      const report = join(folder, `${Math.random()}.json`);
      const detector = bench.node('detector', {
        bundle: bundle,
        image_topics: `["${TOPIC}"]`,
        report_file: report,
        ...parameters,
      });
      running.push(detector);
      await detector.waitFor(/the detector is active/, 60);
      const player = bench.peer('clock_player.py', '--send', TOPIC, '--count', '40', '--rate', '15', ...args);
      await player.exit;
      expect(jsonLines(player.output).at(-1)).toEqual({ frames: 40 });
      await detector.stop();
      return runReportSchema.parse(JSON.parse(readFileSync(report, 'utf8')));
    }

    it.each([
      ['a slow clock', { use_sim_time: 'true' }, ['--clock-rate', '4']],
      ['one image of a recording', {}, ['--stamps', 'fixed', '--no-clock']],
      ['a recording of a fifth of a second that loops', {}, ['--stamps', 'loop', '--no-clock']],
    ] as const)('no frame of %s is lost because of its stamp', async (_, parameters, args) => {
      const { frames } = await sendTo(parameters, ...args);
      expect(frames.drops).not.toHaveProperty('stamp_repeated');
      expect(frames.drops).not.toHaveProperty('stamp_regressed');
      expect(frames.published).toBeGreaterThan(20);
    });

    it('repeated stamps are dropped if requested', async () => {
      const { frames } = await sendTo({ repeated_stamps: 'drop' }, '--stamps', 'fixed', '--no-clock');
      expect(frames.published).toBe(1);
      expect(frames.drops.stamp_repeated).toBe(frames.received - 1);
    });

    it('the detector reports that there is no clock', async () => {
      const detector = bench.node('detector', { bundle: bundle, use_sim_time: 'true' });
      running.push(detector);
      await detector.waitFor(/use_sim_time is set but no \/clock message has arrived/, 60);
    });
  });
});
