import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { pbkdf2Sync, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { freePort } from '../../src/platform/free-port.ts';
import type { Need } from './needs.ts';

const LOCAL = join(import.meta.dirname, '../../.tools/mosquitto');

/** The broker that set-up found or unpacked. */
function executable(): { path: string; env: NodeJS.ProcessEnv } | null {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  const system = folders.map((folder) => join(folder, 'mosquitto')).find((path) => existsSync(path));
  if (system !== undefined) return { path: system, env: process.env };
  const local = join(LOCAL, 'usr/sbin/mosquitto');
  if (!existsSync(local)) return null;
  const libraries = [join(LOCAL, 'usr/lib/x86_64-linux-gnu'), join(LOCAL, 'usr/lib/aarch64-linux-gnu')];
  return { path: local, env: { ...process.env, LD_LIBRARY_PATH: libraries.join(':') } };
}

export const MOSQUITTO: Need = {
  isThere: () => executable() !== null,
  missing: 'there is no Mosquitto',
  first: 'sudo apt-get install mosquitto &&',
};

/** What `scripts/fleet/make-broker` signs certificates with. */
export const OPENSSL: Need = {
  isThere: () => spawnSync('openssl', ['version'], { stdio: 'ignore' }).status === 0,
  missing: 'there is no openssl',
  first: 'sudo apt-get install openssl &&',
};

async function answers(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}

/** A line of Mosquitto's password file, as mosquitto_passwd writes it. */
export function passwordLine(user: string, password: string): string {
  const iterations = 101;
  const salt = randomBytes(12);
  const hash = pbkdf2Sync(password, salt, iterations, 64, 'sha512');
  return `${user}:$7$${String(iterations)}$${salt.toString('base64')}$${hash.toString('base64')}\n`;
}

/** A real Mosquitto on a free port, which can be stopped and restarted on the same port. */
export class Mosquitto {
  readonly port: number;
  readonly #folder = mkdtempSync(join(tmpdir(), 'goshawk-mosquitto-'));
  readonly #configuration: string;
  #process: ChildProcess | undefined;

  private constructor(port: number, configuration?: string) {
    this.port = port;
    this.#configuration = configuration ?? join(this.#folder, 'mosquitto.conf');
  }

  /** With a configuration file of its own, which names the port. */
  static async run(configuration: string, port: number): Promise<Mosquitto> {
    const broker = new Mosquitto(port, configuration);
    await broker.restart();
    return broker;
  }

  /** @param files written next to its configuration, in which `FOLDER` stands for their location */
  static async start(
    extraConfiguration = 'allow_anonymous true',
    files: Readonly<Record<string, string>> = {},
  ): Promise<Mosquitto> {
    const broker = new Mosquitto(await freePort());
    // As root, Mosquitto switches to another user, who must be able to read them.
    chmodSync(broker.#folder, 0o755);
    for (const [name, content] of Object.entries(files)) {
      writeFileSync(join(broker.#folder, name), content, { mode: 0o644 });
    }
    writeFileSync(
      join(broker.#folder, 'mosquitto.conf'),
      `listener ${broker.port} 127.0.0.1\n${extraConfiguration.replaceAll('FOLDER', broker.#folder)}\n`,
    );
    await broker.restart();
    return broker;
  }

  /** The path of a file that it was started with. */
  file(name: string): string {
    return join(this.#folder, name);
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.port}`;
  }

  async restart(): Promise<void> {
    const broker = executable();
    if (broker === null) throw new Error(`${MOSQUITTO.missing}: ${MOSQUITTO.first} npm test`);
    const args = ['-c', this.#configuration];
    this.#process = spawn(broker.path, args, { env: broker.env, stdio: 'ignore' });
    for (let attempt = 0; attempt < 1_200; attempt += 1) {
      if (await answers(this.port)) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error('mosquitto did not come up');
  }

  async kill(): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
