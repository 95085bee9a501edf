import { chmod } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Option, type Command } from 'commander';
import { WEAKNESSES, type FleetFaultsReport, type Weakness } from '../contract/fleet-faults.ts';
import type { StoredNumbers } from '../core/ledger/stored-numbers.ts';
import { placesIn } from '../fleet/store/embedded/cluster.ts';
import { readPostmasterPid } from '../fleet/store/embedded/postmaster-pid.ts';
import { connectDatabase, embeddedAddress } from '../fleet/store/open-store.ts';
import { readStoredNumbers } from '../fleet/store/stored-numbers.ts';
import { entryUrl } from '../platform/entry.ts';
import { inTemporaryFolder } from '../platform/temporary-folder.ts';
import { runFaults } from '../tools/faults/faults.ts';
import { numberFrom, wholeFrom } from './kit/options.ts';
import { withReport } from './kit/report.ts';
import { untilStopped } from './kit/stop-signal.ts';

interface FaultFlags {
  readonly seed: number;
  readonly faults: number;
  readonly report?: string;
  readonly weaken?: Weakness;
  readonly camera?: string;
  readonly keepRobot?: true;
  readonly calm: number;
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

async function faultsIn(
  folder: string,
  { seed, faults, weaken, camera, keepRobot, calm }: FaultFlags,
): Promise<FleetFaultsReport> {
  // root runs PostgreSQL as another user, who must be able to enter
  await chmod(folder, 0o755);
  return untilStopped('fleet faults', ({ signal }) =>
    runFaults(
      {
        seed,
        faults,
        weakened: weaken ?? null,
        camera: camera ?? null,
        keepsRobot: keepRobot === true,
        calmSeconds: calm,
        folder,
        cli: fileURLToPath(entryUrl(import.meta.url, '../cli.ts')),
        say: (line) => console.log(`faults: ${line}`),
        signal,
      },
      {
        databasePid: async (home) => (await readPostmasterPid(placesIn(home).data))?.pid ?? null,
        dataOf: (home) => placesIn(home).data,
        storedNumbers,
      },
    ),
  );
}

function summaryOf(report: FleetFaultsReport): string {
  const {
    faults,
    boots,
    produced,
    stored,
    quarantined,
    declared,
    undeclaredHoles,
    duplicates,
    seconds,
    frames,
  } = report;
  const latency =
    frames === null
      ? ''
      : `; frames: p99 ${frames.unfaulted.p99Ms.toFixed(1)} ms without faults, ` +
        `${frames.faulted.p99Ms.toFixed(1)} ms during them` +
        (frames.control === null ? '' : `, ${frames.control.p99Ms.toFixed(1)} ms then without telemetry`);
  const settled = report.isSettled ? '' : '; not everything was delivered in time';
  return (
    `${faults} faults, ${boots} boots, ${produced} numbers: ${stored} stored, ${quarantined} in quarantine, ` +
    `${declared} declared lost, ${undeclaredHoles} undeclared holes, ${duplicates} duplicates ` +
    `(${seconds.toFixed(0)} s)${latency}${settled}`
  );
}

/** Adds `goshawk fleet faults`. */
export function registerFleetFaults(fleet: Command): void {
  fleet
    .command('faults')
    .description('break a robot, its network, its broker and the fleet at random, and look for holes')
    .option('--seed <n>', 'of the faults', wholeFrom(0, Number.MAX_SAFE_INTEGER), 1)
    .option('--faults <n>', 'how many', wholeFrom(0, 100_000), 20)
    .option('--camera <spec>', 'the robot also runs the frame path, and its latency is measured: sim')
    .option('--keep-robot', 'never end the robot: its frames are then those of one process')
    .option('--calm <seconds>', 'without faults in all, with --camera', numberFrom(1, 3_600), 30)
    .option('--report <file>', 'write the result as JSON')
    .addOption(
      new Option('--weaken <what>', 'break a rule, to see that holes are found')
        .choices(WEAKNESSES)
        .hideHelp(),
    )
    .action(async (flags: FaultFlags) => {
      const report = await withReport(flags.report, () =>
        inTemporaryFolder('faults', (folder) => faultsIn(folder, flags)),
      );
      console.log(summaryOf(report));
      if (report.undeclaredHoles > 0 || report.duplicates > 0 || !report.isSettled) process.exitCode = 1;
    });
}
