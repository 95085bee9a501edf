import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { hasRosEnvironment } from '../../../src/ros/environment.ts';
import { rosNode } from '../../support/programs.ts';

const ROOT = join(import.meta.dirname, '../../..');
const BINARY = join(ROOT, 'node_modules/rclnodejs/build/Release/rclnodejs.node');

it('names what is not set', () => {
  const reported: string[] = [];
  expect(hasRosEnvironment({ ROS_DISTRO: 'jazzy' }, (line) => reported.push(line))).toBe(false);
  expect(reported[0]).toMatch(/^GOSHAWK_ROS_UNAVAILABLE: .*AMENT_PREFIX_PATH is not set/);
  expect(
    hasRosEnvironment({ ROS_DISTRO: 'jazzy', AMENT_PREFIX_PATH: '/opt/ros/jazzy' }, () => undefined),
  ).toBe(true);
});

it.each(['detector', 'camera'] as const)(
  '%s without ROS reports that and does not touch the build of rclnodejs',
  (node) => {
    const env = { ...process.env, AMENT_PREFIX_PATH: '', ROS_DISTRO: '' };
    const before = existsSync(BINARY);
    const ended = spawnSync(process.execPath, [rosNode(node)], {
      env,
      encoding: 'utf8',
    });
    expect(ended.stderr).toContain('GOSHAWK_ROS_UNAVAILABLE');
    expect(ended.status).toBe(1);
    expect(existsSync(BINARY)).toBe(before);
  },
);
