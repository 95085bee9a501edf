import type { Command } from 'commander';
import { PART_PARAMETERS } from '../../device/parts.ts';
import { describeHost } from '../../platform/describe-host.ts';
import { namesOf, numberFrom, sizeOption, wholeFrom, type Size } from './options.ts';
import { parameterValues } from './parameter-options.ts';

/** Options of a benchmark that tries the pipeline in several conditions, in turn. */
export interface TrialFlags<Condition> {
  readonly report: string;
  readonly bundle: string;
  readonly rounds: number;
  readonly conditions: readonly Condition[];
  readonly settle: number;
  readonly seconds: number;
  readonly rate: number;
  readonly size: Size;
}

interface TrialDefaults<Condition> {
  /** all that there are */
  readonly conditions: readonly Condition[];
  /** seconds */
  readonly settle: number;
  /** of a trial, at most */
  readonly maxSeconds: number;
  readonly size: Size;
}

/** Adds the options of `TrialFlags`. */
export function withTrialOptions<Condition extends string>(
  command: Command,
  { conditions, settle, maxSeconds, size }: TrialDefaults<Condition>,
): Command {
  return command
    .requiredOption('--report <file>', 'JSON report')
    .option('--bundle <name|path>', 'the model', 'goshawk-street')
    .option('--rounds <n>', 'times that every condition is tried', wholeFrom(1, 10_000), 5)
    .option('--conditions <list>', 'some of them', namesOf(conditions), [...conditions])
    .option('--settle <s>', 'seconds of frames before each trial', numberFrom(0, 600), settle)
    .option('--seconds <n>', 'of frames in each trial', numberFrom(0.5, maxSeconds), 20)
    .option('--rate <hz>', 'frames per second', numberFrom(0.1, 1000), 30)
    .addOption(sizeOption('--size <WxH>', 'camera image', size));
}

/** What the trials need of these options. */
export function trialOptions<Flags extends TrialFlags<string>>(flags: Flags) {
  return {
    ...flags,
    ...flags.size,
    settleSeconds: flags.settle,
    // drift looks at every image, which costs the same in every condition
    parts: { ...parameterValues(PART_PARAMETERS, {}), drift_window_s: 0 },
    host: describeHost(['cpu']),
    say: (line: string): void => console.log(line),
  };
}

export function mebibytes(bytes: number): string {
  return (bytes / 1048576).toFixed(1);
}

/** Medians of a condition, and how many times those without it. */
export function describeLatency(summary: {
  readonly condition: string;
  readonly p50Ms: number;
  readonly p50Ratio: number;
  readonly p99Ms: number;
  readonly p99Ratio: number;
}): string {
  const { condition, p50Ms, p50Ratio, p99Ms, p99Ratio } = summary;
  return (
    `${condition}: p50 ${p50Ms.toFixed(1)} ms (${p50Ratio.toFixed(2)}x), ` +
    `p99 ${p99Ms.toFixed(1)} ms (${p99Ratio.toFixed(2)}x)`
  );
}
