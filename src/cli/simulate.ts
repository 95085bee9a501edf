import { InvalidArgumentError, Option, type Command } from 'commander';
import { CONDITION_NAMES, CONDITION_RANGES, type Conditions } from '../sim/conditions.ts';
import {
  DATASET_FORMATS,
  IMAGE_FORMATS,
  SIMULATE_DEFAULTS,
  type SimulateOptions,
} from '../tools/simulate/options.ts';
import { simulate, type SimulateProgress } from '../tools/simulate/simulate.ts';
import { stopSignal } from './stop-signal.ts';

/** The knobs are flags of their own. */
type SimulateFlags = Omit<SimulateOptions, 'conditions'> & Partial<Conditions>;

function parseNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('It must be a number.');
  return value;
}

/** Adds `goshawk simulate` to the program. */
export function registerSimulate(program: Command): void {
  const command = program
    .command('simulate')
    .description('write labeled street scenes as a data set')
    .requiredOption('--out <dir>', 'folder to make (empty or not there yet)')
    .requiredOption('--count <n>', 'number of scenes', parseNumber)
    .requiredOption('--seed <s>', 'seed of the data set; distinct seeds never share a scene', parseNumber)
    .option('--width <pixels>', 'width of the images', parseNumber, SIMULATE_DEFAULTS.width)
    .option('--height <pixels>', 'height of the images', parseNumber, SIMULATE_DEFAULTS.height)
    .addOption(
      new Option('--format <format>', 'coco: images/ and annotations.json; raw: frames.u8 and boxes.json')
        .choices(DATASET_FORMATS)
        .default(SIMULATE_DEFAULTS.format),
    )
    .addOption(
      new Option('--image <format>', 'image files of coco')
        .choices(IMAGE_FORMATS)
        .default(SIMULATE_DEFAULTS.image),
    )
    .option('--quality <q>', 'JPEG quality, 1 to 100', parseNumber, SIMULATE_DEFAULTS.quality)
    .option('--workers <n>', 'threads that render', parseNumber, SIMULATE_DEFAULTS.workers);
  for (const name of CONDITION_NAMES) {
    const [low, high] = CONDITION_RANGES[name];
    command.option(
      `--${name} <value>`,
      `the same ${name} for all scenes, ${low} to ${high} (default: sampled)`,
      parseNumber,
    );
  }
  command.action(runSimulate);
}

async function runSimulate(flags: SimulateFlags): Promise<void> {
  const conditions: { -readonly [K in keyof Conditions]?: Conditions[K] } = {};
  for (const name of CONDITION_NAMES) {
    const value = flags[name];
    if (value !== undefined) conditions[name] = value;
  }
  const stop = stopSignal('simulate');
  try {
    const result = await simulate({ ...flags, conditions }, showProgress(), stop.signal);
    console.log(`${flags.out}: ${result.scenes} scenes with ${result.objects} labeled objects`);
  } finally {
    stop.release();
  }
}

/** A line on standard error: rewritten in place on a terminal, now and then a new one elsewhere. */
function showProgress(): SimulateProgress {
  const started = performance.now();
  const live = process.stderr.isTTY;
  let shown = 0;
  return (done, total) => {
    const now = performance.now();
    if (now - shown < (live ? 200 : 5000) && done < total) return;
    shown = now;
    const rate = (done / (now - started)) * 1000;
    const line = `simulate: ${done}/${total} scenes, ${rate.toFixed(0)}/s`;
    process.stderr.write(live ? `\r${line}${done < total ? '' : '\n'}` : `${line}\n`);
  };
}
