import { Option, type Command } from 'commander';
import { CONDITION_NAMES, CONDITION_RANGES, type Conditions } from '../sim/drawing/conditions.ts';
import {
  DATASET_FORMATS,
  IMAGE_FORMATS,
  SIMULATE_DEFAULTS,
  type SimulateOptions,
} from '../tools/simulate/options.ts';
import { simulate } from '../tools/simulate/simulate.ts';
import { countProgress } from './kit/live-line.ts';
import { anyNumber } from './kit/options.ts';
import { untilStopped } from './kit/stop-signal.ts';

/** Each condition is a separate flag. */
type SimulateFlags = Omit<SimulateOptions, 'conditions'> & Partial<Conditions>;

/** Adds `goshawk simulate` to the program. */
export function registerSimulate(program: Command): void {
  const command = program
    .command('simulate')
    .description('write labeled street scenes as a data set')
    .requiredOption('--out <dir>', 'folder to create (empty or nonexistent)')
    .requiredOption('--count <n>', 'number of scenes', anyNumber)
    .requiredOption('--seed <s>', 'seed of the data set; distinct seeds never share a scene', anyNumber)
    .option('--width <pixels>', 'width of the images', anyNumber, SIMULATE_DEFAULTS.width)
    .option('--height <pixels>', 'height of the images', anyNumber, SIMULATE_DEFAULTS.height)
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
    .option('--quality <q>', 'JPEG quality, 1 to 100', anyNumber, SIMULATE_DEFAULTS.quality)
    .option('--workers <n>', 'rendering threads', anyNumber, SIMULATE_DEFAULTS.workers);
  for (const name of CONDITION_NAMES) {
    const [low, high] = CONDITION_RANGES[name];
    command.option(
      `--${name} <value>`,
      `the same ${name} for all scenes, ${low} to ${high} (default: sampled)`,
      anyNumber,
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
  const started = performance.now();
  const perSecond = (done: number): string =>
    `, ${((done / (performance.now() - started)) * 1000).toFixed(0)}/s`;
  const { scenes, objects } = await untilStopped('simulate', ({ signal }) =>
    simulate({ ...flags, conditions }, countProgress('simulate', 'scenes', perSecond), signal),
  );
  console.log(`${flags.out}: ${scenes} scenes with ${objects} labeled objects`);
}
