import { chmod } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { Option, type Command } from 'commander';
import type { FleetLoadReport } from '../contract/fleet-load.ts';
import { EmbeddedPostgres } from '../fleet/store/embedded/embedded-postgres.ts';
import { measureCopy } from '../fleet/store/copy-rate.ts';
import { readSizes } from '../fleet/store/database-sizes.ts';
import { embeddedDatabase, openStore } from '../fleet/store/open-store.ts';
import { readStoredNumbers } from '../fleet/store/stored-numbers.ts';
import { describeHost } from '../platform/describe-host.ts';
import { entryUrl } from '../platform/entry.ts';
import { inTemporaryFolder } from '../platform/temporary-folder.ts';
import { runLoad } from '../tools/load/run.ts';
import type { LoadDatabase } from '../tools/load/test-bed.ts';
import { numberFrom, wholeFrom } from './kit/options.ts';
import { withReport } from './kit/report.ts';
import { untilStopped } from './kit/stop-signal.ts';

interface LoadFlags {
  readonly robots: number;
  readonly seconds: number;
  readonly rate?: number;
  readonly ingestors: number;
  readonly brokers: number;
  readonly ingestorCpu?: number;
  readonly bare: boolean;
  readonly kill?: number;
  readonly reconnect?: true;
  readonly haste: number;
  readonly earlyAcks?: true;
  readonly seed: number;
  readonly report?: string;
}

const CONNECTIONS = 4;

function say(line: string): void {
  console.log(`load: ${line}`);
}

async function startDatabase(folder: string, signal: AbortSignal): Promise<LoadDatabase> {
  const server = await EmbeddedPostgres.start({ folder, say, signal });
  const { host, port, user, password } = server.connection;
  const address = await embeddedDatabase(server.connection);
  const store = await openStore(address, CONNECTIONS, Date.now(), say);
  return {
    url: `postgresql://${user}@${host}:${port}/goshawk`,
    env: { PGPASSWORD: password },
    get pid() {
      return server.pid;
    },
    storedNumbers: () => readStoredNumbers(store),
    sizes: () => readSizes(store),
    copyRate: (payloads, seconds) => measureCopy(store, payloads, seconds, folder),
    stop: async () => {
      await store.close();
      await server.stop();
    },
  };
}

async function loadIn(folder: string, flags: LoadFlags): Promise<FleetLoadReport> {
  // root runs PostgreSQL as another user, who must be able to enter
  await chmod(folder, 0o755);
  const {
    robots,
    seconds,
    rate,
    ingestors,
    brokers,
    ingestorCpu,
    bare,
    kill,
    reconnect,
    haste,
    earlyAcks,
    seed,
  } = flags;
  return untilStopped('fleet load', ({ signal }) =>
    runLoad(
      {
        host: describeHost([]),
        robots,
        brokers,
        ingestors,
        perSecond: rate ?? null,
        seconds,
        ingestorCpu: ingestorCpu ?? null,
        isBareMeasured: bare,
        kills: kill ?? null,
        isReturn: reconnect === true,
        haste,
        areAcksEarly: earlyAcks === true,
        seed,
        folder,
        cli: fileURLToPath(entryUrl(import.meta.url, '../cli.ts')),
        say,
        signal,
      },
      { startDatabase },
    ),
  );
}

function summaryOf({
  throughput,
  kills,
  returned,
  produced,
  undeclaredHoles,
  duplicates,
  isSettled,
}: FleetLoadReport): readonly string[] {
  const lines: string[] = [];
  if (throughput !== null) {
    const { acknowledgedPerSecond, publishedPerSecond, ackMs, processes, busiest } = throughput;
    lines.push(
      `${Math.round(publishedPerSecond)} messages/s published, ${Math.round(acknowledgedPerSecond)} committed and ` +
        `acknowledged after ${Math.round(ackMs.p50)} ms (p99 ${Math.round(ackMs.p99)} ms)`,
    );
    for (const { name, cpuRatio, cpuMicrosecondsPerMessage, peakResidentBytes } of processes) {
      const memory = peakResidentBytes === null ? '' : `, ${Math.round(peakResidentBytes / 1e6)} MB at most`;
      lines.push(
        `${name}: ${cpuRatio.toFixed(2)} cores, ${(cpuMicrosecondsPerMessage ?? 0).toFixed(1)} us a message${memory}` +
          (name === busiest ? ' (busiest)' : ''),
      );
    }
  }
  if (kills !== null)
    lines.push(
      `${kills.kills} kills, ${kills.failovers} connections to a second broker, ${produced} messages`,
    );
  if (returned !== null) lines.push(...wordsOfReturn(returned));
  const settled = isSettled ? '' : '; not everything was acknowledged in time';
  return [...lines, `${undeclaredHoles} undeclared holes, ${duplicates} duplicates${settled}`];
}

function wordsOfReturn(returned: NonNullable<FleetLoadReport['returned']>): readonly string[] {
  const { secondsToConnect, secondsToLive, peakConnectsPerSecond, ingestorPeakBytes, retained } = returned;
  const megabytes = (bytes: number | null): string => `${Math.round((bytes ?? 0) / 1e6)} MB`;
  return [
    `all connected after ${secondsToConnect.toFixed(1)} s (${peakConnectsPerSecond}/s at most), live after ` +
      `${secondsToLive.toFixed(1)} s; ingestor ${megabytes(ingestorPeakBytes)} at most`,
    `a new ingestor knows ${retained.known} of ${retained.births} after ${retained.seconds.toFixed(1)} s; ` +
      `${megabytes(retained.ingestorPeakBytes)} at most`,
  ];
}

/** Adds `goshawk fleet load`. */
export function registerFleetLoad(fleet: Command): void {
  fleet
    .command('load')
    .description(
      'put many simulated robots before brokers, ingestors and a database of this machine, and measure',
    )
    .option('--robots <n>', 'simulated in this process', wholeFrom(1, 100_000), 1_000)
    .option('--seconds <n>', 'to measure for', numberFrom(1, 3_600), 20)
    .option('--rate <n>', 'messages per second; as many as are acknowledged if not given', numberFrom(1, 1e6))
    .option('--ingestors <n>', 'processes of "goshawk fleet serve" on one database', wholeFrom(1, 16), 1)
    .option('--brokers <n>', 'processes of Mosquitto, over which robots are spread', wholeFrom(1, 16), 1)
    .option('--ingestor-cpu <cores>', 'hold each ingestor to this share of a core', numberFrom(0.05, 1))
    .option('--no-bare', 'do not measure brokers and database alone')
    .option('--kill <n>', 'instead: kill brokers and ingestors this often, at random', wholeFrom(1, 100_000))
    .addOption(
      new Option('--reconnect', 'instead: take the brokers away from all robots at once').conflicts('kill'),
    )
    .option('--haste <n>', 'divide the pauses of robots that return by this', numberFrom(1, 1_000), 1)
    .addOption(
      new Option('--early-acks', 'acknowledge before the commit, to see that holes are found').hideHelp(),
    )
    .option('--seed <n>', 'of payloads and kills', wholeFrom(0, Number.MAX_SAFE_INTEGER), 1)
    .option('--report <file>', 'write the result as JSON')
    .action(async (flags: LoadFlags) => {
      const report = await withReport(flags.report, () =>
        inTemporaryFolder('load', (folder) => loadIn(folder, flags)),
      );
      for (const line of summaryOf(report)) console.log(line);
      if (report.undeclaredHoles > 0 || report.duplicates > 0 || !report.isSettled) process.exitCode = 1;
    });
}
