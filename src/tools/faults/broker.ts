import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { GoshawkError } from '../../contract/errors.ts';
import { childEnvironment } from '../../platform/child-environment.ts';
import { ChildProcess } from '../../platform/child-process.ts';

/** A Mosquitto with persistence, which is killed and started again. */
export class FaultBroker {
  readonly #folder: string;
  readonly #command: string;
  #child: ChildProcess;

  /** @throws GoshawkError GOSHAWK_MOSQUITTO_MISSING */
  constructor(folder: string, port: number) {
    const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
    const command = folders.map((one) => join(one, 'mosquitto')).find((path) => existsSync(path));
    if (command === undefined) throw new GoshawkError('GOSHAWK_MOSQUITTO_MISSING', {});
    this.#command = command;
    this.#folder = folder;
    // As root it would switch to another user, who cannot write here.
    const lines = [
      `listener ${port} 127.0.0.1`,
      'allow_anonymous true',
      'user root',
      'persistence true',
      `persistence_location ${folder}/`,
      'autosave_interval 1',
    ];
    writeFileSync(join(folder, 'mosquitto.conf'), `${lines.join('\n')}\n`);
    this.#child = this.#start();
  }

  async kill(): Promise<void> {
    this.#child.kill('SIGKILL');
    await this.#child.ended;
  }

  /** What it persisted is gone. */
  wipe(): void {
    rmSync(join(this.#folder, 'mosquitto.db'), { force: true });
  }

  restart(): void {
    this.#child = this.#start();
  }

  #start(): ChildProcess {
    const args = ['-c', join(this.#folder, 'mosquitto.conf')];
    return new ChildProcess({ command: this.#command, args, env: childEnvironment(), ownGroup: true });
  }
}
