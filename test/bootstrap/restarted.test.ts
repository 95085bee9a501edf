import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { expect, it } from 'vitest';
import { Restarted } from '../../scripts/bootstrap/restarted.mjs';

/** A program that reports that it runs, and exits with code 0 on a line of standard input or on a signal. */
const PROGRAM = `
  process.on('SIGINT', () => process.exit(0));
  process.stdin.on('data', () => process.exit(7));
  console.log('runs');
`;

function recorder() {
  const started: ChildProcess[] = [];
  const start = (): ChildProcess => {
    const child = spawn(process.execPath, ['-e', PROGRAM], { stdio: ['pipe', 'pipe', 'inherit'] });
    started.push(child);
    return child;
  };
  const running = async (count: number): Promise<ChildProcess> => {
    while (started.length < count) await new Promise((resolve) => setTimeout(resolve, 5));
    const child = started[count - 1]!;
    await once(child.stdout!, 'data');
    return child;
  };
  return { started, start, running };
}

it('ends the program before it starts the next one, without reporting that', async () => {
  const { started, start, running } = recorder();
  const app = new Restarted(start);
  app.onEnd = () => expect.fail('a program that was replaced did not end by itself');
  app.restart();
  const first = await running(1);
  app.restart();
  await running(2);
  expect(first.exitCode).toBe(0);
  await app.stop();
  expect(started.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
});

it('reports if the program ended by itself', async () => {
  const { start, running } = recorder();
  const app = new Restarted(start);
  const ended = new Promise((resolve) => (app.onEnd = resolve));
  app.restart();
  (await running(1)).stdin!.write('end');
  expect(await ended).toBe(7);
  await app.stop();
});
