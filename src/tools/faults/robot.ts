import { childEnvironment } from '../../platform/child-environment.ts';
import { ChildProcess } from '../../platform/child-process.ts';
import { entryUrl } from '../../platform/entry.ts';
import { fileURLToPath } from 'node:url';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { formatCommand, type RobotCommand, type FaultRobotSettings } from './robot-protocol.ts';
import { dropUnsynced } from './synced.ts';

/** The robot's process, which is killed and started again. */
export class FaultRobot {
  readonly produced: string;
  readonly #outbox: string;
  readonly #note: string;
  readonly #start: () => ChildProcess;
  #child: ChildProcess;
  readonly #frames: string;
  #waiting: number | null = null;
  #hasDelivered = false;
  #onFrames = (): void => undefined;
  /** resolves once frames of its camera are measured */
  readonly hasFrames = new Promise<void>((resolve) => (this.#onFrames = resolve));
  #onTelemetry = (): void => undefined;
  boots = 0;

  /**
   * @param camera to run the frame path with; null for none
   * @param launcher a program that runs another, with its arguments
   */
  constructor(
    folder: string,
    url: string,
    isSynced: boolean,
    camera: string | null,
    launcher: readonly string[],
  ) {
    this.produced = join(folder, 'produced');
    this.#outbox = join(folder, 'outbox');
    this.#note = join(folder, 'synced');
    this.#frames = join(folder, 'frames');
    const settings: FaultRobotSettings = {
      url,
      outbox: this.#outbox,
      produced: this.produced,
      note: this.#note,
      sync: isSynced,
      camera: camera === null ? null : { spec: camera, frames: this.#frames },
    };
    const entry = fileURLToPath(entryUrl(import.meta.url, './robot-main.ts'));
    const [command = '', ...args] = [...launcher, process.execPath, entry, JSON.stringify(settings)];
    this.#start = () => {
      this.boots += 1;
      this.#waiting = null;
      return new ChildProcess({
        command,
        args,
        env: childEnvironment(),
        ownGroup: true,
        input: true,
        onLine: (line) => {
          const count = /^waiting (\d+)$/.exec(line)?.[1];
          if (count !== undefined) this.#waiting = Number(count);
          else if (line === 'delivered') this.#hasDelivered = true;
          else if (line === 'frames') this.#onFrames();
          else if (line.startsWith('telemetry ')) this.#onTelemetry();
        },
      });
    };
    this.#child = this.#start();
  }

  /** Messages that are not acknowledged; null if it has not reported yet. */
  get waiting(): number | null {
    return this.#waiting;
  }

  /** Whether the fleet has acknowledged anything, in any of its boots. */
  get hasDelivered(): boolean {
    return this.#hasDelivered;
  }

  /** What it wrote, and how it ended; for a failure to be understood. */
  get output(): string {
    return this.#child.output;
  }

  get isRunning(): boolean {
    return this.#child.end === null;
  }

  /** What it measured of its frames; empty without a camera. */
  get frames(): string {
    return existsSync(this.#frames) ? readFileSync(this.#frames, 'utf8') : '';
  }

  tell(command: RobotCommand): void {
    this.#child.write(`${formatCommand(command)}\n`);
  }

  /** Ends its telemetry, or begins it anew. Resolves once that has happened; its process must be running. */
  async setTelemetry(isOn: boolean): Promise<void> {
    const done = new Promise<void>((resolve) => (this.#onTelemetry = resolve));
    this.#waiting = null;
    this.tell({ type: 'telemetry', isOn });
    await Promise.race([done, this.#child.ended]);
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#child.ended;
  }

  /** Kills it, and drops what it had not synced. */
  async cutPower(): Promise<void> {
    await this.kill();
    dropUnsynced(this.#outbox, this.#note);
  }

  restart(): void {
    this.#child = this.#start();
  }
}
