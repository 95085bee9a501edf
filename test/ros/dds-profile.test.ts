import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { childrenOf, ROOT, RosBench, type RosProcess } from './support/ros-process.ts';
import { describeWith, FAST_DDS, ROS, ROS2_COMMAND } from '../support/needs.ts';

const VARIABLES = ['FASTRTPS_DEFAULT_PROFILES_FILE', 'FASTDDS_DEFAULT_PROFILES_FILE'] as const;
const MEBIBYTE = 2 ** 20;

/** Bytes of the largest shared-memory segment that a process has mapped. */
function largestSegment(pid: number): number {
  const sizes = readFileSync(`/proc/${pid}/maps`, 'utf8')
    .split('\n')
    .filter((line) => /\/dev\/shm\/fast(rtps|dds)_/.test(line))
    .map((line) => {
      const [from, to] = line
        .split(' ', 1)[0]!
        .split('-')
        .map((address) => Number.parseInt(address, 16));
      return to! - from!;
    });
  return Math.max(0, ...sizes);
}

describeWith([ROS, FAST_DDS], 'the DDS profile', () => {
  let folder: string;
  let bench: RosBench;
  let own: string;
  const running: RosProcess[] = [];

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'goshawk-profile-'));
    execFileSync(join(ROOT, 'scripts/install-ament'), [join(folder, 'ament')]);
    const paths = `${join(folder, 'ament')}:${process.env['AMENT_PREFIX_PATH'] ?? ''}`;
    bench = new RosBench(6, { AMENT_PREFIX_PATH: paths });
    own = join(folder, 'own.xml');
    const ours = readFileSync(join(ROOT, 'launch/fastdds.xml'), 'utf8');
    writeFileSync(own, ours.replace(String(64 * MEBIBYTE), String(32 * MEBIBYTE)));
  });
  afterEach(async () => {
    for (const process of running.splice(0)) await process.stop();
  });
  afterAll(async () => {
    await bench.close();
    rmSync(folder, { recursive: true });
  });

  /** A command in an environment with exactly these values of both variables. */
  function start(variables: Readonly<Record<string, string>>, ...command: readonly string[]): RosProcess {
    const unset = VARIABLES.flatMap((name) => ['-u', name]);
    const set = Object.entries(variables).map(([name, value]) => `${name}=${value}`);
    const process = bench.start('env', ...unset, ...set, ...command);
    running.push(process);
    return process;
  }

  it.each([
    ['none', {}, 64],
    ['the older variable', { [VARIABLES[0]]: 'own' }, 32],
    ['the newer variable', { [VARIABLES[1]]: 'own' }, 32],
    ['both variables', { [VARIABLES[0]]: 'own', [VARIABLES[1]]: 'own' }, 32],
  ])('of an installed node is in force if the caller set %s', async (_name, set, mebibytes) => {
    const variables = Object.fromEntries(Object.keys(set).map((name) => [name, own]));
    const size = ['-p', 'width:=320', '-p', 'height:=180'];
    const node = start(variables, join(folder, 'ament/lib/goshawk/camera'), '--ros-args', ...size);
    await node.waitFor(/publishing /, 60);
    expect(largestSegment(node.pid)).toBeGreaterThanOrEqual(mebibytes * MEBIBYTE);
    expect(largestSegment(node.pid)).toBeLessThan((mebibytes + 16) * MEBIBYTE);
    expect(node.output).not.toMatch(/DEFAULT_PROFILES_FILE|XMLPARSER/);
  });

  it.each([
    ['the older variable', { [VARIABLES[0]]: 'own.xml' }],
    ['the newer variable', { [VARIABLES[1]]: 'own.xml' }],
    ['both variables', { [VARIABLES[0]]: 'own.xml', [VARIABLES[1]]: 'own.xml' }],
  ])('is named by one variable under scripts/with-ros if the caller set %s', (_name, set) => {
    const outside = Object.fromEntries(
      Object.entries(process.env).filter(([name]) => !(VARIABLES as readonly string[]).includes(name)),
    );
    const inside = execFileSync(join(ROOT, 'scripts/with-ros'), ['env'], {
      env: { ...outside, ...set },
      encoding: 'utf8',
    });
    expect(inside.match(/^\w+_DEFAULT_PROFILES_FILE=.*$/gm)).toEqual([
      expect.stringMatching(/^FAST(RTPS|DDS)_DEFAULT_PROFILES_FILE=own.xml$/),
    ]);
  });

  describeWith(ROS2_COMMAND, 'of a launch file', () => {
    it.each([
      ['none', {}, [], 64],
      ['the older variable', { [VARIABLES[0]]: 'own' }, [], 32],
      ['the newer variable', { [VARIABLES[1]]: 'own' }, [], 32],
      ['an argument', { [VARIABLES[0]]: 'other', [VARIABLES[1]]: 'other' }, ['dds_profile'], 32],
    ])('is in force if the caller set %s', async (_name, set, given, mebibytes) => {
      const other = join(ROOT, 'launch/fastdds.xml');
      const variables = Object.fromEntries(
        Object.entries(set).map(([name, which]) => [name, which === 'own' ? own : other]),
      );
      const args = given.map((name) => `${name}:=${own}`);
      const launch = start(
        variables,
        'ros2',
        'launch',
        'goshawk',
        'perception.launch.py',
        'autostart:=false',
        ...args,
      );
      await launch.waitFor(/process started with pid/, 60);
      await expect
        .poll(() => Math.max(0, ...childrenOf(launch.pid).map(largestSegment)), { timeout: 60_000 })
        .toBeGreaterThanOrEqual(mebibytes * MEBIBYTE);
      expect(Math.max(...childrenOf(launch.pid).map(largestSegment))).toBeLessThan(
        (mebibytes + 16) * MEBIBYTE,
      );
      expect(launch.output).not.toMatch(/DEFAULT_PROFILES_FILE|XMLPARSER/);
    });
  });
});
