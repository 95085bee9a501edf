import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { SetupError, showProgress } from '../../scripts/bootstrap/progress.mjs';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

const wait = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

async function show(isTerminal: boolean, work: (say: (activity: string) => void) => Promise<unknown>) {
  const written: string[] = [];
  const output = { isTerminal, write: (text: string) => void written.push(text) };
  const done = showProgress('[2/6] ROS 2', work, output);
  await vi.runAllTimersAsync();
  await done;
  return written;
}

it('prints nothing about a short step', async () => {
  expect(await show(false, () => wait(900))).toEqual([]);
  expect(await show(true, () => wait(900))).toEqual([]);
});

it('prints each activity of a long step once, and the time at the end', async () => {
  const lines = await show(false, async (say) => {
    say('installing Jazzy wheels');
    await wait(14_000);
    say('adapting');
    await wait(3000);
  });
  expect(lines).toEqual([
    '[2/6] ROS 2: installing Jazzy wheels ... 1 s\n',
    '[2/6] ROS 2: adapting ... 14 s\n',
    '[2/6] ROS 2: done in 17.0 s\n',
  ]);
});

it('reminds the reader of a very long activity', async () => {
  const lines = await show(false, () => wait(45_000));
  expect(lines.map((line) => line.trim())).toEqual([
    '[2/6] ROS 2: checking ... 1 s',
    '[2/6] ROS 2: checking ... 21 s',
    '[2/6] ROS 2: checking ... 41 s',
    '[2/6] ROS 2: done in 45.0 s',
  ]);
});

it('rewrites one line on a terminal', async () => {
  const written = await show(true, () => wait(3000));
  expect(written.length).toBeGreaterThan(4);
  expect(written.slice(0, -1).every((text) => text.startsWith('\r') && !text.includes('\n'))).toBe(true);
  expect(written.at(-1)).toMatch(/done in 3\.0 s\n$/);
});

it('describes a failure in one line with its remedy and its log', () => {
  const error = new SetupError('npm ci failed (exit code 1)', {
    fix: 'check the network',
    log: '.goshawk/setup-logs/npm.log',
  });
  expect(error.describe()).toBe(
    'npm ci failed (exit code 1); fix: check the network (log: .goshawk/setup-logs/npm.log)',
  );
  expect(new SetupError('no', { fix: 'yes' }).describe()).toBe('no; fix: yes');
});
