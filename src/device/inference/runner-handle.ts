import type { FromRunner, ToRunner } from './runner-messages.ts';

/** One runner as its engine sees it, whether a thread or a process. */
export interface RunnerHandle {
  readonly kind: 'worker' | 'child';
  /** Sends a message. Pixels and slabs of a job must not be touched afterwards. */
  post(message: ToRunner): void;
  onMessage(listener: (message: FromRunner) => void): void;
  /** Called once, whatever the cause; `reason` is for people. */
  onExit(listener: (reason: string) => void): void;
  /**
   * Gets rid of a runner that does not answer. A process is killed. A thread cannot be, since running native code would
   * take the whole process down with it, so it is left to end on its own.
   */
  abandon(): void;
  /** process id of a child, for diagnostics */
  readonly pid: number | null;
}

export type HandleFactory = () => RunnerHandle;
