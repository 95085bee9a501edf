import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import { SKIP_MARK } from '../../scripts/bootstrap/test-results.mjs';

/** Something that some tests need and not every machine has. Tests are skipped only through this file. */
export interface Need {
  isThere(): boolean;
  /** what is missing, as in "there is no ROS 2 here" */
  readonly missing: string;
  /** goes before `npm test` on the same command line, so that the tests run */
  readonly first: string;
}

const ROOT = join(import.meta.dirname, '../..');
const { env } = process;

/** Foreign data: models, images, broken files. It is next to the project and not part of it. */
export const SHARED = join(ROOT, '../shared');

const runs = (command: string, ...args: readonly string[]): boolean =>
  spawnSync(command, args, { stdio: 'ignore', timeout: 30_000 }).status === 0;

function dataOf(...names: readonly string[]): Need {
  const absent = names.find((name) => !existsSync(join(SHARED, name)));
  return {
    isThere: () => absent === undefined,
    missing: `there is no ../shared/${absent ?? ''}`,
    first: 'ln -s /path/to/test-data ../shared &&',
  };
}

/** Files written by foreign programs, and broken ones. */
export const FOREIGN_FILES = dataOf('faults/plain.onnx', 'faults/exif6.jpg');
/** YOLOX-nano, and COCO images with their annotations. */
export const YOLOX = dataOf('models/yolox_nano_416.onnx', 'coco-mini/val', 'coco-mini/val.json');

/** An environment with a ROS 2, such as `scripts/with-ros` makes. */
export const ROS: Need = {
  isThere: () => env['ROS_DISTRO'] !== undefined,
  missing: 'there is no ROS 2 in this environment',
  first: 'npm run setup &&',
};

/** The real `ros2` command: a stub has no subcommands. */
export const ROS2_COMMAND: Need = {
  isThere: () => ROS.isThere() && runs('ros2', 'launch', '--help'),
  missing: 'there is no ros2 command with "launch"',
  first: `sudo apt-get install ros-${env['ROS_DISTRO'] ?? 'jazzy'}-ros-base &&`,
};

export const FAST_DDS: Need = {
  isThere: () => (env['RMW_IMPLEMENTATION'] ?? '').includes('fastrtps'),
  missing: `the middleware is ${env['RMW_IMPLEMENTATION'] ?? 'not set'}`,
  first: 'RMW_IMPLEMENTATION=rmw_fastrtps_cpp',
};

export const COLCON: Need = {
  isThere: () => existsSync(join(ROOT, '.tools/colcon/bin/colcon')),
  missing: 'there is no colcon in .tools, which npm test installs',
  first: 'sudo apt-get install python3-venv &&',
};

export const ARM64: Need = {
  isThere: () => env['GOSHAWK_ARM64_NODE'] !== undefined && env['GOSHAWK_ARM64_APP'] !== undefined,
  missing: 'npm test made no emulated machine',
  first: '',
};

/** To run something as another user. */
export const ROOT_USER: Need = {
  isThere: () => process.getuid?.() === 0,
  missing: 'this user cannot act as another one',
  first: 'sudo',
};

export const TAR: Need = {
  isThere: () => runs('tar', '--version'),
  missing: 'there is no tar',
  first: 'sudo apt-get install tar &&',
};

const missingOf = (needs: Need | readonly Need[]): Need | undefined =>
  [needs].flat().find((need) => !need.isThere());

/** The title of a skipped test names what is missing, which ends up at the end of `npm test`. */
const titleOf = (title: string, { missing, first }: Need): string =>
  `${title} (${SKIP_MARK}${missing} | ${first})`;

/** `describe`, skipped if something that it needs is missing. */
export function describeWith(needs: Need | readonly Need[], title: string, body: () => void): void {
  const missing = missingOf(needs);
  if (missing === undefined) describe(title, body);
  else describe.skip(titleOf(title, missing), body);
}

/** `it`, skipped if something that it needs is missing. */
export function itWith(needs: Need, title: string, body: () => Promise<void> | void): void {
  if (needs.isThere()) it(title, body);
  else it.skip(titleOf(title, needs), body);
}
