import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TlsFiles } from '../../src/platform/mqtt/tls-files.ts';
import { freePort } from '../../src/platform/free-port.ts';
import { Mosquitto } from './mosquitto.ts';

const SCRIPT = join(import.meta.dirname, '../../scripts/fleet/make-broker');

/** Two Mosquittos of one authority, as `scripts/fleet/make-broker` sets them up. */
export class FleetBrokers {
  readonly folder: string;
  readonly brokers: readonly [Mosquitto, Mosquitto];

  private constructor(folder: string, brokers: readonly [Mosquitto, Mosquitto]) {
    this.folder = folder;
    this.brokers = brokers;
  }

  /** @param robots `SITE/ROBOT`, which get certificates */
  static async start(...robots: string[]): Promise<FleetBrokers> {
    const folder = mkdtempSync(join(tmpdir(), 'goshawk-brokers-'));
    // As root, Mosquitto switches to another user, who must get there.
    chmodSync(folder, 0o711);
    const home = join(folder, 'b');
    const ports = [await freePort(), await freePort()] as const;
    const named = robots.flatMap((robot) => ['--robot', robot]);
    const made = spawnSync(SCRIPT, [home, '--port', String(ports[0]), ...named], { encoding: 'utf8' });
    if (made.status !== 0) throw new Error(made.stderr);
    const first = join(home, 'mosquitto.conf');
    const second = join(home, 'second.conf');
    const text = readFileSync(first, 'utf8').replace(`listener ${ports[0]}`, `listener ${ports[1]}`);
    mkdirSync(join(home, 'data2'));
    chmodSync(join(home, 'data2'), 0o777);
    writeFileSync(second, text.replace('/data/', '/data2/'), { mode: 0o644 });
    return new FleetBrokers(home, [
      await Mosquitto.run(first, ports[0]),
      await Mosquitto.run(second, ports[1]),
    ]);
  }

  /** `mqtts://localhost:PORT` of both */
  get urls(): readonly [string, string] {
    const [a, b] = this.brokers;
    return [`mqtts://localhost:${a.port}`, `mqtts://localhost:${b.port}`];
  }

  /** @param name `ingestor`, or `robots/SITE/ROBOT` */
  tlsOf(name: string): Required<TlsFiles> {
    const at = (file: string): string => join(this.folder, file);
    return { caFile: at('ca.pem'), certFile: at(`${name}.pem`), keyFile: at(`${name}.key`) };
  }

  async stop(): Promise<void> {
    for (const broker of this.brokers) await broker.stop();
    rmSync(join(this.folder, '..'), { recursive: true, force: true });
  }
}
