import { GoshawkError } from '../../contract/errors.ts';
import { childEnvironment } from '../../platform/child-environment.ts';
import { ChildProcess, describeEnd, lastLines } from '../../platform/child-process.ts';

/** It ends the database in order. */
const GRACE_MS = 60_000;

/** `goshawk fleet serve` with the embedded PostgreSQL, which is killed and started again. */
export class FaultIngestor {
  readonly #args: readonly string[];
  #child: ChildProcess | null = null;

  /** @param args of Node */
  constructor(args: readonly string[]) {
    this.#args = args;
  }

  /** Resolves once it is ready. @throws GoshawkError GOSHAWK_CHILD_FAILED */
  async start(): Promise<void> {
    let onReady = (): void => undefined;
    const ready = new Promise<'ready'>((resolve) => {
      onReady = () => resolve('ready');
    });
    const child = new ChildProcess({
      command: process.execPath,
      args: this.#args,
      env: childEnvironment(),
      ownGroup: true,
      graceMs: GRACE_MS,
      onLine: (line) => {
        if (line.includes('ready: ')) onReady();
      },
    });
    this.#child = child;
    const end = await Promise.race([ready, child.ended]);
    if (end === 'ready') return;
    const output = lastLines(child.output);
    const command = 'goshawk fleet serve';
    throw new GoshawkError('GOSHAWK_CHILD_FAILED', { command, reason: describeEnd(end), output });
  }

  /** The database is left running, as after a crash. */
  async kill(): Promise<void> {
    this.#child?.kill('SIGKILL');
    await this.#child?.ended;
  }

  async stop(): Promise<void> {
    await this.#child?.stop('SIGTERM');
  }
}
