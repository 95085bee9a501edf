import type { FleetLoadReport } from '../../contract/fleet-load.ts';
import type { Host } from '../../contract/report.ts';
import { accountFor } from '../fleet/account.ts';
import { TestBed, type LoadPorts, type TestBedOptions } from './test-bed.ts';
import { runKills } from './kill.ts';
import { runReturn } from './return.ts';
import { runThroughput, type ThroughputOptions } from './throughput.ts';

export interface LoadOptions extends TestBedOptions, ThroughputOptions {
  readonly host: Host;
  /** brokers and ingestors that are killed while senders publish; null: throughput is measured instead */
  readonly kills: number | null;
  /** all brokers are taken away instead, and robots return */
  readonly isReturn: boolean;
  readonly haste: number;
}

/**
 * Runs brokers, ingestors and a database, puts simulated robots before them, and checks at the end that what they made
 * is stored once. Rejects with the reason of the signal if that ended it.
 */
export async function runLoad(options: LoadOptions, ports: LoadPorts): Promise<FleetLoadReport> {
  const startedAt = new Date();
  const bed = await TestBed.start(options, ports);
  try {
    const { producedLog, isSettled, ...outcome } = await runMode(bed, options);
    const account = accountFor(producedLog, await bed.database.storedNumbers());
    const { host, robots, brokers, ingestors } = options;
    return {
      schema: 'goshawk.fleet-load/1',
      startedAt: startedAt.toISOString(),
      seconds: (Date.now() - startedAt.getTime()) / 1_000,
      host,
      robots,
      brokers,
      ingestors,
      throughput: null,
      kills: null,
      returned: null,
      ...outcome,
      ...account,
      isSettled,
    };
  } finally {
    await bed.close();
  }
}

interface Outcome extends Partial<Pick<FleetLoadReport, 'throughput' | 'kills' | 'returned'>> {
  readonly producedLog: string;
  readonly isSettled: boolean;
}

function runMode(bed: TestBed, { kills, isReturn, ...options }: LoadOptions): Promise<Outcome> {
  if (isReturn) return runReturn(bed, options);
  return kills === null ? runThroughput(bed, options) : runKills(bed, { ...options, kills });
}
