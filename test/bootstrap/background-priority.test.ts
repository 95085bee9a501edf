import { spawnSync } from 'node:child_process';
import { expect, it } from 'vitest';
import {
  idlePriority,
  LOW_PRIORITY,
  obstacleToBackground,
} from '../../scripts/bootstrap/background-priority.mjs';

const machine = { cores: 2, limit: Infinity, bytes: 16e9 };

it('nothing runs beside tests on one core, under a limit that idle time counts for, or with little memory', () => {
  expect(obstacleToBackground(machine)).toBeUndefined();
  expect(obstacleToBackground({ ...machine, limit: 2 })).toBeUndefined();
  expect(obstacleToBackground({ ...machine, cores: 1 })).toBe('there is one core');
  expect(obstacleToBackground({ ...machine, cores: 64, limit: 2 })).toBe(
    'processor time is limited to 2.0 of 64 cores',
  );
  expect(obstacleToBackground({ ...machine, bytes: 4e9 })).toBe('there are 4.0 GB of memory');
});

it('a program keeps its arguments, output and exit code', () => {
  for (const { wrapper } of [idlePriority(), LOW_PRIORITY]) {
    const [program = '', ...args] = [...wrapper, 'sh', '-c', 'printf "%s" "$1"; exit 7', 'sh', "a 'b' $c"];
    expect(spawnSync(program, args, { encoding: 'utf8' })).toMatchObject({ status: 7, stdout: "a 'b' $c" });
  }
});
