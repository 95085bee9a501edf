import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { bundleManifestSchema } from '../../src/contract/bundle.ts';
import { writeTinyBundle } from '../support/tiny-bundle.ts';
import { FakeBoard } from '../tools/jetson/fake-board.ts';
import { CLI } from '../support/programs.ts';

let folder = '';
let models = '';

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'goshawk-board-'));
  models = join(folder, 'models');
  await writeTinyBundle(models);
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const goshawk = (...args: string[]) =>
  spawnSync(process.execPath, [CLI, ...args], {
    encoding: 'utf8',
    env: { ...process.env, GOSHAWK_MODELS: models },
  });

it('with a simulated board and trtexec, the engine is a variant of the next version, and refused here', () => {
  const board = new FakeBoard(join(folder, 'board'));
  const env = { FAKE_GOSHAWK: '', GOSHAWK_MODELS: models };
  const built = board.buildEngine(['tiny', '--fp16', '--out', models], env);
  expect(built.stderr).toBe('');
  expect(built.status).toBe(0);
  const manifest = bundleManifestSchema.parse(
    JSON.parse(readFileSync(join(models, 'tiny', '1.0.1', 'bundle.json'), 'utf8')),
  );
  expect(manifest.variants[0]).toMatchObject({
    id: 'trt10.3.0-sm87-fp16',
    engine: { tensorrt: '10.3.0', computeCapability: '8.7', cuda: '12.6' },
  });
  expect(manifest.lineage.stages?.at(-1)).toMatchObject({
    stage: 'engine',
    hyperparameters: { flags: ['--fp16'] },
  });

  const lineage = goshawk('models', 'lineage', 'tiny');
  expect(lineage.status).toBe(0);
  expect(lineage.stdout).toMatch(/^tiny@1\.0\.1 .* import > engine .*\n└── tiny@1\.0\.0 /);

  const run = goshawk(
    'run',
    '--camera',
    'sim',
    '--seconds',
    '1',
    '--bundle',
    'tiny',
    '--providers',
    'tensorrt',
    '--strict',
  );
  expect(run.status).toBe(1);
  expect(run.stderr).toMatch(
    new RegExp(
      'GOSHAWK_ENGINE_INCOMPATIBLE: variant trt10\\.3\\.0-sm87-fp16 of tiny@1\\.0\\.1 contains an engine built ' +
        'for TensorRT 10\\.3\\.0 and compute capability 8\\.7, but this machine has ',
    ),
  );

  // a graph without quantization cannot become an int8 engine, and nothing is built
  const int8 = board.buildEngine(['tiny', '--variant', 'fp32', '--int8', '--out', models], env);
  expect(int8.status).toBe(40);
  expect(int8.stderr).toContain('GOSHAWK_ENGINE_INPUT');
  expect(int8.stderr).toContain('invent the ranges');
  expect(board.log().filter((line) => line.startsWith('trtexec '))).toHaveLength(1);
});

it('a bundle that could not be written is reported before anything is built', () => {
  const board = new FakeBoard(join(folder, 'other-board'));
  const env = { FAKE_GOSHAWK: '', GOSHAWK_MODELS: models };
  const taken = board.buildEngine(['tiny@1.0.0', '--version', '1.0.1', '--out', models], env);
  expect(taken.status).toBe(40);
  expect(taken.stderr).toMatch(/GOSHAWK_USAGE: .*1\.0\.1 exists already/);
  const nowhere = board.buildEngine(['tiny@1.0.0', '--out', join(CLI, 'models')], env);
  expect(nowhere.status).toBe(40);
  expect(nowhere.stderr).toMatch(/GOSHAWK_OUTPUT_REFUSED/);
  expect(board.log().filter((line) => line.startsWith('trtexec'))).toEqual([]);
});
