import type { FromRunner, ToRunner } from './runner-messages.ts';

/** One runner as its engine sees it, be it a thread or a process. */
export interface RunnerHandle {
  readonly kind: 'worker' | 'child';
  /** Sends a message. Pixels and slabs of a job must not be touched afterwards. */
  post(message: ToRunner): void;
  onMessage(listener: (message: FromRunner) => void): void;
  /** Told once, whatever the reason; `reason` is for people. */
  onExit(listener: (reason: string) => void): void;
  /**
   * Gets rid of a runner that does not answer. A process is killed. A thread cannot be: native code that is
   * running would take the whole process with it, so it is left to end by itself.
   */
  abandon(): void;
  /** process id of a child, for diagnostics */
  readonly pid: number | null;
}

export type HandleFactory = () => RunnerHandle;
