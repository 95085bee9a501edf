import { afterEach, beforeEach, expect, it, vi, type MockInstance } from 'vitest';
import { untilStopped } from '../../../src/cli/kit/stop-signal.ts';

let exit: MockInstance<typeof process.exit>;
let stderr: MockInstance<typeof process.stderr.write>;

beforeEach(() => {
  exit = vi.spyOn(process, 'exit').mockImplementation(() => undefined as never);
  stderr = vi.spyOn(process.stderr, 'write').mockReturnValue(true);
});

afterEach(() => {
  process.removeAllListeners('SIGTERM').removeAllListeners('SIGINT');
});

it('the first signal stops the work, the second prints a message, the third exits with 130', async () => {
  const reason = await untilStopped('simulate', ({ signal }) => {
    process.emit('SIGTERM');
    expect(stderr).not.toHaveBeenCalled();
    process.emit('SIGINT');
    expect(stderr).toHaveBeenCalledWith(
      'stopping; press once more to exit immediately without writing anything\n',
    );
    expect(exit).not.toHaveBeenCalled();
    process.emit('SIGINT');
    return Promise.resolve(signal.reason as unknown);
  });
  expect(exit).toHaveBeenCalledWith(130);
  expect(reason).toMatchObject({ code: 'GOSHAWK_INTERRUPTED' });
});

it('signals after the work change nothing', async () => {
  await expect(untilStopped(null, () => Promise.resolve('done'))).resolves.toBe('done');
  for (let i = 0; i < 4; i += 1) process.emit('SIGINT');
  expect(exit).not.toHaveBeenCalled();
});

it('the time counts from when it is set', async () => {
  const aborted = await untilStopped(null, async ({ signal, endAfter }) => {
    endAfter(undefined);
    endAfter(0.01);
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
    return signal.aborted;
  });
  expect(aborted).toBe(true);
});
