import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Option, type Command } from 'commander';
import { WEAKNESSES, type FleetFaultsReport, type Weakness } from '../contract/fleet-faults.ts';
import type { StoredNumbers } from '../core/ledger/stored-numbers.ts';
import { placesIn } from '../fleet/store/embedded/cluster.ts';
import { readPostmasterPid } from '../fleet/store/embedded/postmaster-pid.ts';
import { connectDatabase, embeddedAddress } from '../fleet/store/open-store.ts';
import { readStoredNumbers } from '../fleet/store/stored-numbers.ts';
import { entryUrl } from '../platform/entry.ts';
import { runFaults } from '../tools/faults/faults.ts';
import { wholeFrom } from './kit/options.ts';
import { withReport } from './kit/report.ts';
import { untilStopped } from './kit/stop-signal.ts';

interface FaultFlags {
  readonly seed: number;
  readonly faults: number;
  readonly report?: string;
  readonly weaken?: Weakness;
}

async function storedNumbers(folder: string): Promise<readonly StoredNumbers[]> {
  const address = await embeddedAddress(folder);
  if (address === null) return [];
  const database = connectDatabase(address, 1);
  try {
    return await readStoredNumbers(database);
  } finally {
    await database.close();
  }
}

async function faultsIn(folder: string, { seed, faults, weaken }: FaultFlags): Promise<FleetFaultsReport> {
  // root runs PostgreSQL as another user, who must be able to enter
  await chmod(folder, 0o755);
  return untilStopped('fleet faults', ({ signal }) =>
    runFaults(
      {
        seed,
        faults,
        weakened: weaken ?? null,
        folder,
        cli: fileURLToPath(entryUrl(import.meta.url, '../cli.ts')),
        say: (line) => console.log(`faults: ${line}`),
        signal,
      },
      {
        databasePid: async (home) => (await readPostmasterPid(placesIn(home).data))?.pid ?? null,
        storedNumbers,
      },
    ),
  );
}

function summaryOf(report: FleetFaultsReport): string {
  const { faults, boots, produced, stored, declared, undeclaredHoles, duplicates, seconds } = report;
  const settled = report.isSettled ? '' : '; not everything was delivered in time';
  return (
    `${faults} faults, ${boots} boots, ${produced} numbers: ${stored} stored, ${declared} declared lost, ` +
    `${undeclaredHoles} undeclared holes, ${duplicates} duplicates (${seconds.toFixed(0)} s)${settled}`
  );
}

/** Adds `goshawk fleet faults`. */
export function registerFleetFaults(fleet: Command): void {
  fleet
    .command('faults')
    .description('break a robot, its network, its broker and the fleet at random, and look for holes')
    .option('--seed <n>', 'of the faults', wholeFrom(0, Number.MAX_SAFE_INTEGER), 1)
    .option('--faults <n>', 'how many', wholeFrom(0, 100_000), 20)
    .option('--report <file>', 'write the result as JSON')
    .addOption(
      new Option('--weaken <what>', 'break a rule, to see that holes are found')
        .choices(WEAKNESSES)
        .hideHelp(),
    )
    .action(async (flags: FaultFlags) => {
      const report = await withReport(flags.report, async () => {
        const folder = await mkdtemp(join(tmpdir(), 'goshawk-faults-'));
        try {
          return await faultsIn(folder, flags);
        } finally {
          await rm(folder, { recursive: true, force: true });
        }
      });
      console.log(summaryOf(report));
      if (report.undeclaredHoles > 0 || report.duplicates > 0 || !report.isSettled) process.exitCode = 1;
    });
}
