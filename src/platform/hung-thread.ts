import type { Worker } from 'node:worker_threads';

/**
 * Lets the process end although a thread cannot: Node waits at exit for every thread, and one that is inside a call to
 * the kernel that does not return, such as to a disk that hangs, would keep the process for as long. If the thread is
 * still there at exit, the process ends by SIGKILL, whatever its exit code would have been.
 */
export function endDespite(worker: Worker): void {
  const end = (): void => void process.kill(process.pid, 'SIGKILL');
  process.on('exit', end);
  worker.once('exit', () => process.off('exit', end));
}
