import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeBoard, JETSON_SCRIPTS, type BoardFacts } from './fake-board.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'goshawk-engine-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

describe('shell', () => {
  it.each(['build-engine', 'watch-trtexec.sh', 'checks.sh'])('%s is well-formed', (name) => {
    const { status, stderr } = spawnSync('bash', ['-n', path.join(JETSON_SCRIPTS, name)], {
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  it('explains itself anywhere', () => {
    const { status, stdout } = new FakeBoard(folder, { release: null }).buildEngine(['--help']);
    expect(status).toBe(0);
    expect(stdout).toContain('usage: scripts/jetson/build-engine BUNDLE');
  });

  it.each([[], ['yard', '--fast'], ['yard', '--variant'], ['yard', '--workspace', '0'], ['yard', 'street']])(
    'refuses %s %s %s',
    (...args) => {
      const { status, stderr } = new FakeBoard(folder).buildEngine(args);
      expect(status).toBe(2);
      expect(stderr).toMatch(/^build-engine: .*; fix: see --help\n$/);
    },
  );
});

describe('refusals, each one line with its fix and its own status', () => {
  it.each<[string, Partial<BoardFacts>, number, string]>([
    [
      'a machine that is not a Jetson',
      { release: null },
      10,
      'this is not a Jetson: /etc/nv_tegra_release is missing; fix: run it on a Jetson with ' +
        'JetPack 6.1 or newer (docs/jetson.md)',
    ],
    [
      'a board without trtexec',
      { packages: {} },
      15,
      'trtexec is neither in /usr/src/tensorrt/bin nor in PATH; fix: sudo apt install ' +
        'nvidia-jetpack (package libnvinfer-bin)',
    ],
    [
      'a full disk',
      { freeGib: 1 },
      18,
      'FOLDER has 1024 MiB free, the build needs 2048; fix: free some space, or give a folder on another disk ' +
        'with --work',
    ],
  ])('%s', (_, change, code, words) => {
    const board = new FakeBoard(folder, change);
    const { status, stderr } = board.buildEngine(['yard']);
    expect(stderr).toBe(`build-engine: ${words.replace('FOLDER', folder)}\n`);
    expect(status).toBe(code);
    expect(board.log()).toEqual([]);
  });

  it('a bundle without an input for TensorRT: nothing is built', () => {
    const board = new FakeBoard(folder);
    const { status, stderr } = board.buildEngine(['yard', '--int8'], { FAKE_GOSHAWK: 'refuses' });
    expect(status).toBe(40);
    expect(stderr).toBe(
      'GOSHAWK_ENGINE_INPUT: no\nbuild-engine: yard has no input for TensorRT; fix: the line above has the reason\n',
    );
    expect(board.log().filter((line) => line.startsWith('trtexec'))).toEqual([]);
  });
});

describe('dry run', () => {
  it('prints every command and runs none', () => {
    const board = new FakeBoard(folder);
    const { status, stdout, stderr } = board.buildEngine([
      ...[
        'yard',
        '--int8',
        '--fp16',
        '--sparsity',
        '--workspace',
        '512',
        '--variant',
        'int8',
        '--version',
        '2.0.0',
        '--dry-run',
      ],
    ]);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    const commands = stdout
      .split('\n')
      .filter((line) => line.startsWith('+ '))
      .join('\n');
    expect(commands).toContain(
      `+ goshawk models engine-input yard --out ${board.work}/input.onnx --variant int8 --int8`,
    );
    expect(commands).toMatch(
      /trtexec --onnx=.* --int8 --fp16 --sparsity=enable --memPoolSize=workspace:512 .*--skipInference/,
    );
    expect(commands).toMatch(
      /add-engine yard .*--compute-capability 8\.7 --precision int8 .*--cuda 12\.6 --version 2\.0\.0/,
    );
    expect(board.log()).toEqual([]);
  });

  it('detects the GPU of a Thor', () => {
    const { stdout } = new FakeBoard(folder, {
      release: '# R38 (release), REVISION: 4.0, GCID: 1',
      compatible: 'nvidia,tegra264\0',
    }).buildEngine(['yard', '--dry-run']);
    expect(stdout).toContain('--compute-capability 11.0');
  });
});

describe('an engine (of a pretended trtexec)', () => {
  const build = (board: FakeBoard, env: Record<string, string> = {}) =>
    board.buildEngine(['yard', '--int8', '--fp16', '--out', '/models'], env);
  const builds = (board: FakeBoard): string[] => board.log().filter((line) => line.startsWith('trtexec '));

  it('is built from the prepared graph, reported phase by phase, and added with the version of trtexec', () => {
    const board = new FakeBoard(folder);
    const { status, stdout, stderr } = build(board);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('variant    int8 (int8), batch up to 8x64x64x3');
    expect(stdout).toMatch(/ {2}00:0\d {2}reading the graph\n {2}00:0\d {2}graph read; trying kernels/);
    expect(stdout).toMatch(/ {2}00:0\d {2}engine built in 601\.2 sec\.\n/);
    const [input = '', trtexec = '', added = '', ...more] = board.log();
    expect(more).toEqual([]);
    expect(input).toMatch(/models engine-input yard --out \S+\/input\.onnx --int8 --for-out \/models$/);
    expect(trtexec).toMatch(
      new RegExp(
        '--onnx=\\S+/input\\.onnx --saveEngine=\\S+/engine\\.partial --int8 --fp16 --minShapes=images:1x64x64x3 ' +
          '--optShapes=images:1x64x64x3 --maxShapes=images:8x64x64x3 ',
      ),
    );
    expect(added).toMatch(
      new RegExp(
        'models add-engine yard --engine \\S+/engine --variant int8 --tensorrt 10\\.3\\.0 --compute-capability 8\\.7 ' +
          '--precision int8 --flags --int8 --fp16 --cuda 12\\.6 --out /models$',
      ),
    );
  });

  it('is built once: a second run reuses it, other options build another', () => {
    const board = new FakeBoard(folder);
    build(board);
    const again = build(board);
    expect(again.status).toBe(0);
    expect(again.stdout).toContain('already built: ');
    expect(builds(board)).toHaveLength(1);
    expect(board.buildEngine(['yard', '--fp16']).status).toBe(0);
    expect(builds(board)).toHaveLength(2);
  });

  it('that could not be added is not built again', () => {
    const board = new FakeBoard(folder);
    const { status, stderr } = build(board, { FAKE_GOSHAWK: 'full' });
    expect(status).toBe(43);
    expect(stderr).toContain(
      'the engine was built but not added; fix: the line above has the reason; run this again',
    );
    expect(build(board).status).toBe(0);
    expect(builds(board)).toHaveLength(1);
  });

  it.each([
    [
      'fails',
      41,
      /\[E\] Error\[10\].*\n&&&& FAILED.*\nbuild-engine: trtexec exited with status 1; fix: read .*\/log; docs/,
    ],
    ['killed', 42, /build-engine: trtexec was killed: out of memory; fix: close other programs/],
    ['forgets', 41, /build-engine: trtexec reported success but saved no engine; fix: read /],
  ])('that %s leaves nothing to add, and is rebuilt', (how, code, words) => {
    const board = new FakeBoard(folder);
    const { status, stderr } = build(board, { FAKE_TRTEXEC: how });
    expect(stderr).toMatch(words);
    expect(status).toBe(code);
    const [made = ''] = readdirSync(board.work).filter((name) => /^[0-9a-f]{16}$/.test(name));
    expect(readdirSync(path.join(board.work, made)).sort()).toEqual(['input.onnx', 'log']);
    expect(build(board).status).toBe(0);
  });

  it('shows progress while TensorRT is silent, and joins a line that arrives in pieces', () => {
    const board = new FakeBoard(folder);
    const { status, stdout } = build(board, { FAKE_SLEEP: '4', GOSHAWK_HEARTBEAT: '1' });
    expect(status).toBe(0);
    expect(
      stdout.match(/working, 1 kernels timed, at \/conv1\/Conv \(CaskConvolution/g)?.length,
    ).toBeGreaterThan(1);
    const log = spawnSync('sh', ['-c', `cat ${board.work}/*/log`], { encoding: 'utf8' }).stdout;
    expect(log).toContain('\nhalf a line, and its end\n');
  });
});

describe('the version that trtexec reports', () => {
  it.each([
    ['v100300', '10.3.0'],
    ['v101303', '10.13.3'],
    ['v101600', '10.16.0'],
    ['v8601', '8.6.1'],
    ['of tomorrow', ''],
  ])('TensorRT %s is %s', (reported, version) => {
    const log = path.join(folder, 'log');
    writeFileSync(
      log,
      `&&&& RUNNING TensorRT.trtexec [TensorRT ${reported}] # trtexec\n[I] Compute Capability: 11.0\n`,
    );
    const script =
      `source ${path.join(JETSON_SCRIPTS, 'watch-trtexec.sh')}; trtexec_version ${log}; ` +
      `trtexec_capability ${log}`;
    const { stdout } = spawnSync('bash', ['-euc', script], { encoding: 'utf8' });
    expect(stdout).toBe(version === '' ? '11.0\n' : `${version}\n11.0\n`);
  });
});
