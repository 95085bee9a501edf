import { fileURLToPath } from 'node:url';
import { inferenceEnvironment } from '../../platform/child-environment.ts';
import { ChildProcess, describeEnd } from '../../platform/child-process.ts';
import { entryUrl } from '../../platform/entry.ts';
import type { RunnerHandle } from './runner-handle.ts';
import type { FromRunner, ToRunner } from './runner-messages.ts';

/** How much of a child's stderr is kept for the message about its exit. */
const STDERR_KEPT = 2000;

/** A runner in a child process: pixels are copied to it, and a native crash takes down only the child. */
export function createChildHandle(): RunnerHandle {
  const child = new ChildProcess({
    command: process.execPath,
    args: [fileURLToPath(entryUrl(import.meta.url, './child-main.ts'))],
    env: inferenceEnvironment(),
    messages: true,
    noOutput: true,
    keptOutput: STDERR_KEPT,
  });
  return {
    kind: 'child',
    pid: child.pid,
    post: (message: ToRunner) => child.post(message),
    onMessage: (listener) => child.onMessage((message) => listener(message as FromRunner)),
    onExit: (listener) => {
      void child.ended.then((end) => {
        const reported = child.output.trim();
        const reason = `the process ${describeEnd(end)}`;
        listener(reported === '' ? reason : `${reason}: ${reported}`);
      });
    },
    abandon: () => child.kill('SIGKILL'),
  };
}
