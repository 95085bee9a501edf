import { execFileSync, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';
import { PLACES, ROOT } from '../../scripts/bootstrap/paths.mjs';

const MAIN = path.join(ROOT, 'scripts/bootstrap/main.mjs');

/** Stamps of set-up. Those of what tests need are written meanwhile, if it is installed in the background. */
const OF_SETUP = /^(npm-packages|ros-wheels|vision_msgs-\w+|rclnodejs[\w-]*|build|ament)$/;

/** Contents and times of its stamps: a step that ran again rewrites its stamp. */
function stamps(): string[] {
  return readdirSync(PLACES.stamps)
    .filter((name) => OF_SETUP.test(name))
    .sort()
    .map((name) => {
      const file = path.join(PLACES.stamps, name);
      return `${name} ${readFileSync(file, 'utf8')} ${statSync(file).mtimeMs}`;
    });
}

it('set-up does nothing when it is repeated', () => {
  execFileSync(process.execPath, [MAIN, 'setup'], { stdio: 'pipe' });
  const before = stamps();
  const again = spawnSync(process.execPath, [MAIN, 'setup'], { encoding: 'utf8' });
  expect(again).toMatchObject({ status: 0 });
  expect(again.stdout).toMatch(/^ready: Node/);
  expect(again.stderr).not.toMatch(/\[\d\/\d\]/);
  expect(before).not.toEqual([]);
  expect(stamps()).toEqual(before);
});

it('refuses an unknown command and an unknown group of tests', () => {
  const run = (...args: string[]) => spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' });
  expect(run('strat')).toMatchObject({
    status: 2,
    stderr: expect.stringContaining('start|dev|test|setup') as string,
  });
  const wrongGroup = run('test', '--only', 'units');
  expect(wrongGroup.status).toBe(1);
  expect(wrongGroup.stderr.trim().split('\n')).toHaveLength(1);
  expect(wrongGroup.stderr).toContain('integration');
});

it('with-ros explains its usage without a command', () => {
  const result = spawnSync(path.join(ROOT, 'scripts/with-ros'), { encoding: 'utf8' });
  expect(result).toMatchObject({ status: 2, stderr: expect.stringContaining('usage') as string });
});

it('with-ros passes arguments, exit code and quotes through', ({ skip }) => {
  const result = spawnSync(
    path.join(ROOT, 'scripts/with-ros'),
    ['sh', '-c', 'printf "%s" "$1" "$QUOTED"; exit 7', 'sh', "a 'b' $c"],
    {
      encoding: 'utf8',
      env: { ...process.env, QUOTED: "it's" },
    },
  );
  skip(result.stderr.includes('no ROS 2 is set up'), 'there is no ROS 2 here');
  expect(result).toMatchObject({ status: 7, stdout: "a 'b' $cit's" });
});
