import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { inferenceEnvironment } from '../../platform/child-environment.ts';
import { entryUrl, type Lane } from './lane.ts';
import type { FromRunner, ToRunner } from './protocol.ts';

/** How much of what a child wrote to its error stream is kept for the message about its end. */
const STDERR_KEPT = 2000;

/** A runner in a child process: pixels are copied to it, a native crash ends only the child. */
export function createChildLane(): Lane {
  const child = fork(fileURLToPath(entryUrl('child-main')), [], {
    serialization: 'advanced',
    execArgv: [],
    env: inferenceEnvironment(),
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  let stderr = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr = (stderr + text).slice(-STDERR_KEPT);
  });
  let ended = false;
  return {
    kind: 'child',
    pid: child.pid ?? null,
    post: (message: ToRunner) => {
      // a child that is gone is told by its exit, which is on its way
      if (child.connected) child.send(message, () => undefined);
    },
    onMessage: (listener) => void child.on('message', (message) => listener(message as FromRunner)),
    onExit: (listener) => {
      const once = (reason: string): void => {
        if (ended) return;
        ended = true;
        const reported = stderr.trim();
        listener(reported === '' ? reason : `${reason}: ${reported}`);
      };
      child.once('error', (error) => once(error.message));
      child.once('exit', (code, signal) =>
        once(signal === null ? `the process ended with code ${code}` : `the process was ended by ${signal}`),
      );
    },
    abandon: () => void child.kill('SIGKILL'),
  };
}
