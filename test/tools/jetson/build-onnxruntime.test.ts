import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { FakeBoard, JETSON_SCRIPTS, ORT_VERSION, type BoardFacts } from './fake-board.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'goshawk-jetson-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const THOR: Partial<BoardFacts> = {
  release: '# R38 (release), REVISION: 4.0, GCID: 1, BOARD: generic, EABI: aarch64, DATE: x',
  compatible: 'nvidia,p4071-0000+p3834-0008\0nvidia,tegra264\0',
  cuda: '13.0',
  packages: {
    'nvidia-jetpack': '7.1',
    'libnvinfer-dev': '10.13.3.9-1+cuda13.0',
    'libcudnn9-dev-cuda-13': '9.12.0.46-1',
  },
};

describe('shell', () => {
  it.each(['build-onnxruntime', 'checks.sh'])('%s is well-formed', (name) => {
    const { status, stderr } = spawnSync('bash', ['-n', path.join(JETSON_SCRIPTS, name)], {
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });

  it('explains itself anywhere', () => {
    const { status, stdout } = new FakeBoard(folder, { release: null }).run(['--help']);
    expect(status).toBe(0);
    expect(stdout).toContain('usage: scripts/jetson/build-onnxruntime');
  });

  it.each([['--fast'], ['--jobs'], ['--jobs', '0'], ['--jobs', 'many']])('refuses %s %s', (...args) => {
    const { status, stderr } = new FakeBoard(folder).run(args);
    expect(status).toBe(2);
    expect(stderr).toMatch(/^build-onnxruntime: .*; fix: see --help\n$/);
  });
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
      'another processor',
      { machine: 'x86_64' },
      11,
      'the processor is x86_64, not aarch64; fix: run it on the Jetson itself, not on the computer that flashes it',
    ],
    [
      'JetPack 5',
      { release: '# R35 (release), REVISION: 4.1, GCID: 1' },
      12,
      'Jetson Linux 35.4.1 is not in scripts/jetson/jetpack-table.tsv; fix: install JetPack ' +
        '6.1 or newer, or add a line for this release to the table',
    ],
    [
      'a release file that says nothing',
      { release: 'hello' },
      12,
      'Jetson Linux of unknown version is not in scripts/jetson/jetpack-table.tsv; fix: ' +
        'install JetPack 6.1 or newer, or add a line for this release to the table',
    ],
    [
      'a Xavier',
      { compatible: 'nvidia,tegra194\0' },
      13,
      'the module (nvidia,tegra194 ) is neither Orin nor Thor; fix: none: older modules end at ' +
        'JetPack 5, whose TensorRT 8 is not supported',
    ],
    [
      'an Orin with a JetPack that is for Thor only',
      { ...THOR, compatible: 'nvidia,tegra234\0' },
      13,
      'JetPack 7.1 does not support orin modules; fix: install a JetPack release that does (docs/jetson.md)',
    ],
    [
      'no CUDA',
      { cuda: null },
      14,
      'no CUDA compiler at /usr/local/cuda/bin/nvcc; fix: sudo apt install nvidia-jetpack',
    ],
    [
      'no TensorRT',
      { packages: { 'libcudnn9-dev-cuda-12': '9.3.0.75-1' } },
      15,
      'the TensorRT headers (package libnvinfer-dev) are not installed; fix: sudo apt install nvidia-jetpack',
    ],
    [
      'cuDNN 8',
      { packages: { 'libnvinfer-dev': '10.3.0.30-1', 'libcudnn8-dev': '8.9.4' } },
      16,
      'the cuDNN 9 headers (package libcudnn9-dev-cuda-*) are not installed; fix: sudo apt install nvidia-jetpack',
    ],
    [
      'a full disk',
      { freeGib: 24 },
      18,
      'FOLDER has 24 GiB free, the build needs 25; fix: free some space, or give a folder on another disk with --work',
    ],
    [
      'too little memory',
      { memoryGib: 11 },
      19,
      'memory and swap add up to 11 GiB, the build needs 12; fix: sudo fallocate -l 8G ' +
        '/swapfile && sudo chmod 600 /swapfile && sudo mkswap /swapfile && sudo swapon /swapfile',
    ],
  ])('%s', (_, change, code, words) => {
    const { status, stderr, stdout } = new FakeBoard(folder, change).run();
    expect(stderr).toBe(`build-onnxruntime: ${words.replace('FOLDER', folder)}\n`);
    expect(status).toBe(code);
    expect(stdout).not.toContain('\n+ ');
  });

  it('names everything that is wrong in one run', () => {
    const { status, stderr } = new FakeBoard(folder, { cuda: null, packages: {}, freeGib: 1 }).run();
    expect(stderr.trim().split('\n')).toHaveLength(4);
    expect(status).toBe(14);
  });

  it('another version of the npm package than package.json names', () => {
    const board = new FakeBoard(folder);
    writeFileSync(path.join(board.package, 'package.json'), JSON.stringify({ version: '1.0.0' }));
    const { status, stderr } = board.run();
    expect(stderr).toContain(`is 1.0.0, package.json wants ${ORT_VERSION}; fix: npm start`);
    expect(status).toBe(20);
  });
});

describe('dry run', () => {
  it('prints every command for an Orin with JetPack 6 and runs none', () => {
    const board = new FakeBoard(folder);
    const { status, stdout, stderr } = board.run(['--dry-run']);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toContain('JetPack    6.2 (Jetson Linux 36.4.3, package nvidia-jetpack 6.2+b77)');
    const commands = stdout.split('\n').filter((line) => line.startsWith('+ '));
    expect(commands.map((line) => path.basename(line.split(' ')[1] ?? ''))).toEqual(
      'mkdir rm git mv python3 pip export build.sh rm mkdir cp cp rm mv mv node mv'.split(' '),
    );
    expect(commands.join('\n')).toContain(`--branch v${ORT_VERSION} `);
    const build = commands.find((line) => line.includes('/build.sh ')) ?? '';
    for (const part of [
      '--build_nodejs',
      '--use_tensorrt',
      '--use_cuda',
      '--parallel 8',
      'CMAKE_CUDA_ARCHITECTURES=87-real',
    ]) {
      expect(build).toContain(part);
    }
    expect(existsSync(board.work)).toBe(false);
    expect(board.installed('arm64', 'onnxruntime_binding.node')).toBe('npm');
  });

  it('builds for the GPU of a Thor with JetPack 7', () => {
    const { status, stdout } = new FakeBoard(folder, THOR).run(['--dry-run']);
    expect(status).toBe(0);
    expect(stdout).toContain('CMAKE_CUDA_ARCHITECTURES=110-real');
  });

  it('fits the number of compilers to the memory, unless it is set', () => {
    const board = new FakeBoard(folder, { memoryGib: 15 });
    expect(board.run(['--dry-run']).stdout).toContain('--parallel 3 ');
    expect(board.run(['--dry-run', '--jobs', '2']).stdout).toContain('--parallel 2 ');
  });

  it('takes an unlisted patch release for its neighbor, and reports if libraries differ from JetPack', () => {
    const { status, stdout } = new FakeBoard(folder, {
      release: '# R36 (release), REVISION: 5.9, GCID: 1',
      packages: { 'libnvinfer-dev': '10.30.0-1', 'libcudnn9-dev-cuda-12': '9.3.0.75-1' },
    }).run(['--dry-run']);
    expect(status).toBe(0);
    expect(stdout).toContain('36.5.9 is not in the table: treated as 36.5.2');
    expect(stdout).toContain('JetPack 6.2.3 ships TensorRT 10.3');
    expect(stdout).not.toContain('ships cuDNN');
  });
});

describe('build and installation (with pretended compilers)', () => {
  it('keeps the binding of npm, then reinstalls without building', () => {
    const board = new FakeBoard(folder);
    const first = board.run();
    expect(first).toMatchObject({ status: 0, stderr: '' });
    expect(board.installed('arm64', 'onnxruntime_binding.node')).toBe('new');
    expect(readdirSync(path.join(board.package, 'bin/napi-v6/linux/arm64')).sort()).toEqual([
      'libonnxruntime.so.1',
      'libonnxruntime_providers_cuda.so',
      'libonnxruntime_providers_shared.so',
      'libonnxruntime_providers_tensorrt.so',
      'onnxruntime_binding.node',
    ]);
    expect(board.installed('arm64.npm', 'onnxruntime_binding.node')).toBe('npm');

    board.change({ freeGib: 1, memoryGib: 4 });
    expect(board.run().status).toBe(0);
    expect(readdirSync(path.join(board.package, 'bin/napi-v6/linux/arm64.npm'))).toEqual([
      'onnxruntime_binding.node',
    ]);
    expect(board.installed('arm64.npm', 'onnxruntime_binding.node')).toBe('npm');
    board.reinstallPackage();
    expect(board.run().status).toBe(0);
    expect(board.installed('arm64', 'onnxruntime_binding.node')).toBe('new');
    expect(board.log()).toEqual(['clone', 'build']);
    expect(readdirSync(path.join(board.package, 'bin/napi-v6/linux')).sort()).toEqual(['arm64', 'arm64.npm']);
  });

  it('restores the old binding when the new one does not run', () => {
    const board = new FakeBoard(folder);
    const { status, stderr } = board.run([], { FAKE_VERIFY: '1' });
    expect(status).toBe(34);
    expect(stderr).toContain('the new binding does not run; the previous one was restored; fix: ');
    expect(board.installed('arm64', 'onnxruntime_binding.node')).toBe('npm');
    expect(readdirSync(path.join(board.package, 'bin/napi-v6/linux'))).toEqual(['arm64']);
  });

  it('resumes after a failed build, without fetching again', () => {
    const board = new FakeBoard(folder);
    const failed = board.run([], { FAKE_BUILD_FAILS: 'yes' });
    expect(failed.status).toBe(32);
    expect(failed.stderr).toContain('ONNX Runtime did not build; fix: read the end of ');
    expect(board.installed('arm64', 'onnxruntime_binding.node')).toBe('npm');
    expect(board.run().status).toBe(0);
    expect(board.log()).toEqual(['clone', 'build', 'build']);
  });

  it('rebuilds when JetPack brought other libraries', () => {
    const board = new FakeBoard(folder);
    expect(board.run().status).toBe(0);
    writeFileSync(path.join(board.work, 'build/old'), '');
    board.change(THOR);
    expect(board.run().status).toBe(0);
    expect(board.log()).toEqual(['clone', 'build', 'build']);
    expect(existsSync(path.join(board.work, 'build/old'))).toBe(false);
  });

  it('only verifies', () => {
    const board = new FakeBoard(folder, { release: null });
    expect(board.run(['--verify']).status).toBe(0);
    expect(board.run(['--verify'], { FAKE_VERIFY: '1' }).status).toBe(34);
  });
});
