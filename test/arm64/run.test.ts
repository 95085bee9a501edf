import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { runReportSchema } from '../../src/contract/report.ts';
import { tinyDetector } from '../device/authoring/tiny-detector.ts';
import { goshawkHere, goshawkOnArm64, startOnArm64 } from './machine.ts';
import { ARM64, describeWith } from '../support/needs.ts';

/**
 * Contents of a bundle's JSON file. References name the machine that made them and include its rounding, so their
 * digest differs.
 */
function withoutMachine(bytes: Buffer): unknown {
  const machineOnly = new Set(['madeOn', 'outputs', 'references']);
  return JSON.parse(bytes.toString(), (key, value: unknown) => (machineOnly.has(key) ? undefined : value));
}

describeWith(ARM64, 'the frame path on arm64', () => {
  let folder = '';
  const models = (machine: string): string => join(folder, `models-${machine}`);
  const bundleOf = (machine: string): string => join(models(machine), 'tiny/1.0.0');

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'goshawk-arm64-'));
    writeFileSync(join(folder, 'tiny.onnx'), tinyDetector({ head: 'yolox', classes: 2, batch: 'n' }));
    writeFileSync(join(folder, 'labels.txt'), 'person\ncar\n');
    mkdirSync(join(folder, 'models-here'));
    mkdirSync(join(folder, 'models-arm64'));
    const importTiny = (machine: string): string[] => [
      ...['models', 'import', join(folder, 'tiny.onnx'), '--labels', join(folder, 'labels.txt')],
      ...['--name', 'tiny', '--out', models(machine), '--created-at', '2026-01-02T03:04:05Z'],
    ];
    await Promise.all([goshawkHere(...importTiny('here')), goshawkOnArm64(...importTiny('arm64'))]);
  });

  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('imports a model into the same graph and manifest as this machine', () => {
    const files = readdirSync(bundleOf('here')).sort();
    expect(files).toContain('bundle.json');
    expect(readdirSync(bundleOf('arm64')).sort()).toEqual(files);
    for (const name of files) {
      const [here, there] = ['here', 'arm64'].map((machine) => readFileSync(join(bundleOf(machine), name)));
      if (name.endsWith('.json')) expect(withoutMachine(there!), name).toEqual(withoutMachine(here!));
      else expect(there!.equals(here!), name).toBe(true);
    }
  });

  /** Runs until frames are published: how long that takes depends on the load of this machine. */
  async function runCamera(name: string, ...camera: readonly string[]) {
    const report = join(folder, `${name}.json`);
    const options = ['--bundle', bundleOf('arm64'), '--seconds', '240', '--rate', '0.5', '--report', report];
    const child = startOnArm64('run', ...options, ...camera);
    let output = '';
    let isStopped = false;
    const take = (chunk: Buffer): void => {
      output += chunk.toString('utf8');
      if (isStopped || !/, (?!0\.0)[\d.]+ out fps/.test(output)) return;
      // only once: lines printed during shutdown must not interrupt it again
      isStopped = true;
      child.kill('SIGINT');
    };
    child.stdout.on('data', take);
    child.stderr.on('data', take);
    const [code] = (await once(child, 'close')) as [number | null];
    expect(code, output).toBe(0);
    return runReportSchema.parse(JSON.parse(readFileSync(report, 'utf8')));
  }

  it.each([
    [
      'raw frames of the simulator, in threads',
      'sim:loop=2',
      '--size',
      '320x180',
      '--engine',
      'worker',
      '--preprocess',
      'graph',
    ],
    ['JPEG files of a folder, in a process of its own', 'dir', '--engine', 'child', '--preprocess', 'sharp'],
  ])('accounts for every frame: %s', async (_, camera, ...options) => {
    const pictures = join(folder, 'pictures');
    if (camera === 'dir')
      await goshawkHere('simulate', '--out', pictures, '--count', '2', '--seed', '3', '--workers', '1');
    const spec = camera === 'dir' ? `dir:${join(pictures, 'images')}` : camera;

    const { frames, host } = await runCamera(camera.replace(/:.*/, ''), '--camera', spec, ...options);

    const dropped = Object.values(frames.drops).reduce((sum, count) => sum + count, 0);
    expect(frames.published).toBeGreaterThan(0);
    expect(frames.received).toBe(frames.published + dropped);
    expect(Object.keys(frames.drops)).not.toContain('inference_failed');
    expect(host.os).toContain('arm64');
  });
});
