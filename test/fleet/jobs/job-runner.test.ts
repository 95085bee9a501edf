import { expect, it } from 'vitest';
import { JobRunner } from '../../../src/fleet/jobs/job-runner.ts';

it('repeats jobs; one that fails is reported once, costs the others nothing, and is tried again', async () => {
  const said: string[] = [];
  let failures = 3;
  let runs = 0;
  const runner = new JobRunner(
    [
      {
        name: 'broken',
        periodMs: 1,
        run: () => {
          failures -= 1;
          return failures >= 0 ? Promise.reject(new Error('no disk')) : Promise.resolve(false);
        },
      },
      // there is always more to do
      { name: 'busy', periodMs: 1e6, run: () => Promise.resolve((runs += 1) > 0) },
    ],
    (line) => said.push(line),
  );
  runner.start();
  await expect.poll(() => said).toHaveLength(2);
  await expect.poll(() => runs).toBeGreaterThan(3);
  await runner.stop();
  expect(said[0]).toContain('job broken failed and is tried again');
  expect(said[0]).toContain('no disk');
  expect(said[1]).toBe('job broken: works again');
  expect(runner.health().map(({ name, failures: count, error }) => [name, count, error])).toEqual([
    ['broken', 3, ''],
    ['busy', 0, ''],
  ]);
});
