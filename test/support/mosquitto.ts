import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';

const LOCAL = join(import.meta.dirname, '../../.tools/mosquitto');

/** The broker set-up found or unpacked; throws where there is none: `npm test` installs it. */
function executable(): { path: string; env: NodeJS.ProcessEnv } {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin'];
  const system = folders.map((folder) => join(folder, 'mosquitto')).find((path) => existsSync(path));
  if (system !== undefined) return { path: system, env: process.env };
  const local = join(LOCAL, 'usr/sbin/mosquitto');
  if (!existsSync(local)) throw new Error('no mosquitto: "npm test" installs it');
  const libraries = [join(LOCAL, 'usr/lib/x86_64-linux-gnu'), join(LOCAL, 'usr/lib/aarch64-linux-gnu')];
  return { path: local, env: { ...process.env, LD_LIBRARY_PATH: libraries.join(':') } };
}

/** A port of the loopback address that was free a moment ago. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no TCP address');
  return address.port;
}

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

/** A real Mosquitto on a free port, which can be stopped and started again on the same one. */
export class Mosquitto {
  readonly port: number;
  readonly #folder = mkdtempSync(join(tmpdir(), 'goshawk-mosquitto-'));
  #process: ChildProcess | undefined;

  private constructor(port: number) {
    this.port = port;
  }

  static async start(extraConfiguration = 'allow_anonymous true'): Promise<Mosquitto> {
    const broker = new Mosquitto(await freePort());
    writeFileSync(
      join(broker.#folder, 'mosquitto.conf'),
      `listener ${broker.port} 127.0.0.1\n${extraConfiguration}\n`,
    );
    await broker.restart();
    return broker;
  }

  get url(): string {
    return `mqtt://127.0.0.1:${this.port}`;
  }

  async restart(): Promise<void> {
    const { path, env } = executable();
    this.#process = spawn(path, ['-c', join(this.#folder, 'mosquitto.conf')], { env, stdio: 'ignore' });
    for (let attempt = 0; attempt < 100; attempt += 1) {
      if (await answers(this.port)) return;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error('mosquitto did not come up');
  }

  async kill(): Promise<void> {
    const child = this.#process;
    if (child === undefined || child.exitCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  async stop(): Promise<void> {
    await this.kill();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
