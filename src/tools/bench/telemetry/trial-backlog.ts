import { randomUUID } from 'node:crypto';
import { cpSync } from 'node:fs';
import { join } from 'node:path';
import type { BrokerCondition, TelemetryBenchReport } from '../../../contract/bench-telemetry.ts';
import { outboxFolder } from '../../../device/telemetry/outbox/outbox-folder.ts';
import { makeBacklog, type Backlog } from '../backlog/make-backlog.ts';
import { BENCH_SPEAKER } from './telemetry-trial.ts';

const SEED = 1;

interface TrialBacklogOptions {
  /** without a broker */
  readonly hours: number;
  /** of the benchmark */
  readonly folder: string;
  readonly signal: AbortSignal;
  readonly say: (line: string) => void;
}

/** What waits on the disk at the beginning of some trials: made once, and copied for each. */
export class TrialBacklog {
  readonly #folder: string;
  readonly #hours: number;
  readonly #made: Backlog;

  private constructor(folder: string, hours: number, made: Backlog) {
    this.#folder = folder;
    this.#hours = hours;
    this.#made = made;
  }

  /** @throws the reason of the signal if that ended it */
  static async make({ hours, folder, signal, say }: TrialBacklogOptions): Promise<TrialBacklog> {
    const own = join(folder, 'made-backlog');
    const identity = { ...BENCH_SPEAKER, manufacturer: 'Goshawk', bootId: randomUUID() };
    const made = await makeBacklog({ hours, seed: SEED, folder: own, identity, signal, say });
    return new TrialBacklog(own, hours, made);
  }

  get windows(): number {
    return this.#made.windows;
  }

  /** Puts it where the trial whose outboxes are in a folder finds it. */
  copyTo(outboxes: string): void {
    cpSync(this.#folder, outboxFolder(outboxes, BENCH_SPEAKER), { recursive: true });
  }

  report(bitsPerSecond: number): NonNullable<TelemetryBenchReport['backlog']> {
    const { windows, payloadBytes, diskBytes } = this.#made;
    return { hours: this.#hours, windows, payloadBytes, diskBytes, bitsPerSecond };
  }
}

/** Whether something waits before a trial begins. */
export function hasBacklog(condition: BrokerCondition): boolean {
  return condition === 'backlog' || condition === 'catch-up';
}
