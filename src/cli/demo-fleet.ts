import { setTimeout as sleep } from 'node:timers/promises';
import { describeError } from '../contract/errors.ts';
import { FleetService } from '../fleet/service/fleet-service.ts';
import type { LedgerSummary } from '../fleet/store/ledger-summary.ts';

const LOOK_MS = 1_000;
/** Between two looks at the end at whether what the detector sent last is committed. */
const SETTLE_MS = 300;
/** A busy machine is late with that; what the robot still keeps comes in the next demo. */
const SETTLE_LIMIT_MS = 5_000;

interface DemoFleetOptions {
  /** URL of the demo's broker */
  readonly broker: string;
  /** of the embedded PostgreSQL */
  readonly folder: string;
  readonly http: { readonly host: string; readonly port: number };
  readonly say: (line: string) => void;
}

/**
 * The fleet's end beside the demo. It starts while the detector does, since a first start makes a database; if it
 * cannot start, the demo goes on without it.
 */
export class DemoFleet {
  readonly #options: DemoFleetOptions;
  readonly #end = new AbortController();
  #service: FleetService | null = null;
  #work: Promise<void> = Promise.resolve();
  #line = 'fleet: starting';
  #isComplete = false;

  constructor(options: DemoFleetOptions) {
    this.#options = options;
  }

  /** How many messages are stored and whether any is missing, in a few words. */
  get line(): string {
    return this.#line;
  }

  /** Starts in the background. From here on, the process must not end without `stop`. */
  start(): void {
    this.#work = this.#run();
  }

  /** Stores and acknowledges what was received, and ends the database in order. Comes after the detector's end. */
  async stop(): Promise<void> {
    const until = performance.now() + SETTLE_LIMIT_MS;
    if (this.#service !== null) {
      do {
        await sleep(SETTLE_MS);
        await this.#look(this.#service);
      } while (!this.#isComplete && performance.now() < until);
    }
    this.#end.abort();
    await this.#work;
  }

  async #run(): Promise<void> {
    const { signal } = this.#end;
    const service = await this.#startService(signal);
    if (service === null) return;
    this.#service = service;
    this.#say(`page: ${service.url}`);
    while (!signal.aborted) {
      await this.#look(service);
      await sleep(LOOK_MS, undefined, { signal }).catch(() => undefined);
    }
    await this.#look(service);
    this.#say(this.#line.replace(/^fleet: /, ''));
    await service.stop();
  }

  async #startService(signal: AbortSignal): Promise<FleetService | null> {
    const { broker, folder, http } = this.#options;
    try {
      return await FleetService.start({
        mqtt: [broker],
        folder,
        http: { ...http, allowedHosts: [] },
        say: (line) => this.#say(line),
        signal,
      });
    } catch (error) {
      this.#line = 'fleet: none';
      if (!signal.aborted) this.#say(`${describeError(error)}; the demo goes on without it`);
      return null;
    }
  }

  async #look(service: FleetService): Promise<void> {
    try {
      const summary = await service.summary();
      this.#isComplete = summary.holes === 0;
      this.#line = `fleet: ${describeSummary(summary)}`;
    } catch (error) {
      this.#line = `fleet: ${describeError(error)}`;
    }
  }

  #say(line: string): void {
    this.#options.say(`fleet: ${line}`);
  }
}

function describeSummary({ stored, holes }: LedgerSummary): string {
  return `${stored} messages stored, ${holes === 0 ? 'ledger complete' : `${holes} not here yet`}`;
}
