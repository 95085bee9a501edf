import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TlsFiles } from '../../src/platform/mqtt/tls-files.ts';
import type { Need } from './needs.ts';

const ROOT = join(import.meta.dirname, '../..');
export const TELEMETRY_PEER_PYTHON = join(ROOT, '.tools/telemetry-peer/bin/python');

export const TELEMETRY_PEER: Need = {
  isThere: () => existsSync(TELEMETRY_PEER_PYTHON),
  missing: 'there is no .tools/telemetry-peer, which npm test installs',
  first: 'sudo apt-get install python3-venv &&',
};

interface Counts {
  readonly valid: Readonly<Record<string, number>>;
  readonly historical: Readonly<Record<string, number>>;
  readonly errors: number;
}

/** `test/peers/telemetry_consumer.py` as a process. */
export class TelemetryConsumer {
  readonly lines: string[] = [];
  readonly #child: ChildProcess;

  private constructor(urls: readonly string[], { caFile, certFile, keyFile }: Required<TlsFiles>) {
    const brokers = urls.flatMap((url) => ['--broker', new URL(url).host]);
    const tls = ['--ca', caFile, '--certificate', certFile, '--key', keyFile];
    const script = join(import.meta.dirname, '../peers/telemetry_consumer.py');
    const document = ['--document', join(ROOT, 'docs/asyncapi.json'), '--acknowledge'];
    this.#child = spawn(TELEMETRY_PEER_PYTHON, [script, ...document, ...brokers, ...tls], { stdio: 'pipe' });
    for (const stream of [this.#child.stdout, this.#child.stderr])
      if (stream !== null) createInterface({ input: stream }).on('line', (line) => this.lines.push(line));
  }

  static async start(urls: readonly string[], tls: Required<TlsFiles>): Promise<TelemetryConsumer> {
    const consumer = new TelemetryConsumer(urls, tls);
    await consumer.until(() => urls.every((_, i) => consumer.#subscribed > i), 'its subscriptions');
    return consumer;
  }

  get #subscribed(): number {
    return this.lines.filter((line) => line.startsWith('subscribed ')).length;
  }

  get counts(): Counts {
    const last = this.lines.findLast((line) => line.startsWith('{'));
    return last === undefined ? { valid: {}, historical: {}, errors: 0 } : (JSON.parse(last) as Counts);
  }

  /** What it found wrong. */
  get invalid(): string[] {
    return this.lines.filter((line) => line.startsWith('invalid '));
  }

  async until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
    for (let tries = 0; tries < 600; tries += 1) {
      if (await condition()) return;
      if (this.#child.exitCode !== null) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    throw new Error(`waited in vain for ${what}; the consumer:\n${this.lines.slice(-20).join('\n')}`);
  }

  /** @returns its exit code */
  async stop(): Promise<number | null> {
    if (this.#child.exitCode !== null) return this.#child.exitCode;
    const ended = once(this.#child, 'exit');
    this.#child.stdin?.end();
    const [code] = (await ended) as [number | null];
    return code;
  }
}
