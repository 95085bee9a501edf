import type { Command } from 'commander';
import {
  CAPTURE_CONDITIONS,
  type CaptureBenchReport,
  type CaptureCondition,
} from '../contract/bench-capture.ts';
import { defaultModelFolders, ModelRepository } from '../model/repository.ts';
import { inTemporaryFolder } from '../platform/temporary-folder.ts';
import { benchCapture } from '../tools/bench/capture/bench-capture.ts';
import { withReport } from './kit/report.ts';
import { untilStopped } from './kit/stop-signal.ts';
import { describeLatency, mebibytes, trialOptions, withTrialOptions, type TrialFlags } from './kit/trials.ts';

/** Adds `goshawk bench capture` to `goshawk bench`. */
export function registerBenchCapture(bench: Command): void {
  const size = { width: 1280, height: 720 };
  withTrialOptions(bench.command('capture'), {
    conditions: CAPTURE_CONDITIONS,
    settle: 6,
    maxSeconds: 500,
    size,
  })
    .description('frames without capture, with the newest kept in memory, and with a clip recorded, in turn')
    .action(runBenchCapture);
}

async function runBenchCapture(flags: TrialFlags<CaptureCondition>): Promise<void> {
  const report = await withReport(flags.report, () =>
    inTemporaryFolder('bench', async (folder) => {
      const { manifest } = await new ModelRepository(defaultModelFolders()).load(flags.bundle);
      return untilStopped('bench capture', ({ signal }) =>
        benchCapture({ ...trialOptions(flags), labels: manifest.labels, folder, signal }),
      );
    }),
  );
  for (const line of summaryOf(report)) console.log(line);
}

function summaryOf({ conditions }: CaptureBenchReport): string[] {
  return conditions.map(
    (one) =>
      `${describeLatency(one)}, ${(one.moreCores * 100).toFixed(1)} % of a core more, ` +
      `RSS ${mebibytes(one.rssMoreBytes)} MiB more, clip of ${mebibytes(one.clipBytes)} MiB`,
  );
}
