import { join } from 'node:path';
import type { Command } from 'commander';
import { ACCURACY_FIT_FILE, type AccuracyFit } from '../contract/accuracy-fit.ts';
import type { AccuracySamples, PictureSample } from '../contract/accuracy-samples.ts';
import { GoshawkError } from '../contract/errors.ts';
import { FEATURE_TABLE_VERSION } from '../core/drift/features.ts';
import { HEAD_TABLE } from '../core/heads/head-table.ts';
import { STRENGTHS } from '../core/corruption/corrupt.ts';
import { openBundle } from '../device/authoring/open-bundle.ts';
import type { Bundle } from '../model/bundle.ts';
import { sha256Of } from '../platform/digest.ts';
import { checkOutputFiles, writeOutput } from '../platform/outputs.ts';
import { collectMix } from '../tools/drift/accuracy/collect.ts';
import { corruptions, type Degradation } from '../tools/drift/accuracy/degrade.ts';
import type { LabeledPictures } from '../tools/drift/accuracy/labeled-pictures.ts';
import { degradedCopies, weather } from '../tools/drift/accuracy/other-degradations.ts';
import { openPictures, type PictureSource } from '../tools/drift/accuracy/open-pictures.ts';
import { listingDigest } from '../tools/drift/accuracy/listing-digest.ts';
import { makeFit } from '../tools/drift/accuracy/make-fit.ts';
import { PictureEngine } from '../tools/drift/accuracy/picture-engine.ts';
import { resumeSamples, writeSamples } from '../tools/drift/accuracy/samples-file.ts';
import { LiveLine } from './kit/live-line.ts';
import { wholeFrom } from './kit/options.ts';

interface FitFlags {
  readonly bundle: string;
  readonly annotations?: string;
  readonly images?: string;
  readonly limit?: number;
  readonly streets: number;
  readonly frames: number;
  readonly strengths: number;
  readonly seed: number;
  readonly threads: number;
  readonly degraded?: string;
  readonly weather: boolean;
  readonly samples?: string;
  readonly out?: string;
}

function degradationsOf(pictures: LabeledPictures, flags: FitFlags): Promise<Degradation[]> | Degradation[] {
  if (flags.degraded !== undefined) return degradedCopies(pictures, flags.degraded);
  if (flags.weather) return weather(pictures);
  return corruptions(flags.seed, STRENGTHS.slice(0, flags.strengths));
}

/** Measures what the samples do not have yet; a file of samples is written after each scene mix. */
async function collect(
  bundle: Bundle,
  source: PictureSource,
  flags: FitFlags,
  begun: AccuracySamples,
): Promise<AccuracySamples> {
  const line = new LiveLine(process.stderr);
  const engine = await PictureEngine.open(bundle, flags.threads);
  let samples = begun;
  try {
    for await (const pictures of source.mixes()) {
      if (samples.mixes.some(({ mix }) => mix === pictures.mix)) continue;
      const onSample = ({ mix, corruption, strength, share }: PictureSample): void =>
        line.show(
          `drift fit: ${mix}, ${corruption} ${strength}: ${(100 * share).toFixed(0)} % of AP is kept`,
        );
      const mix = await collectMix(engine, pictures, await degradationsOf(pictures, flags), onSample);
      samples = { ...samples, mixes: [...samples.mixes, mix] };
      if (flags.samples !== undefined) await writeSamples(flags.samples, samples);
    }
  } finally {
    line.clear();
    await engine.close();
  }
  return samples;
}

async function begin(bundle: Bundle, source: PictureSource, flags: FitFlags): Promise<AccuracySamples> {
  const { name, version } = bundle.manifest;
  const empty: AccuracySamples = {
    schema: 'goshawk.accuracy-samples/1',
    bundle: { name, version, digest: bundle.digest },
    source: flags.weather ? `${source.name}, weather` : (flags.degraded ?? source.name),
    digest:
      flags.degraded === undefined
        ? source.digest
        : sha256Of(`${source.digest} ${await listingDigest(flags.degraded)}`),
    seed: flags.seed,
    strengths: flags.strengths,
    table: FEATURE_TABLE_VERSION,
    mixes: [],
  };
  return flags.samples === undefined ? empty : resumeSamples(flags.samples, empty);
}

async function fit(flags: FitFlags): Promise<void> {
  const bundle = await openBundle(flags.bundle, (text) => console.error(text));
  const out = flags.out ?? join(bundle.folder, ACCURACY_FIT_FILE);
  await checkOutputFiles(out, flags.samples);
  const { name, version, head, labels } = bundle.manifest;
  if (HEAD_TABLE[head].isSuppressed)
    throw new GoshawkError('GOSHAWK_USAGE', {
      reason: `${name} suppresses boxes inside its graph (head ${head}): its accuracy cannot be estimated`,
    });
  const source = await openPictures(flags, labels, `${name}@${version}`);
  const samples = await collect(bundle, source, flags, await begin(bundle, source, flags));
  const made = makeFit(samples, new Date());
  await writeOutput(out, `${JSON.stringify(made, null, 2)}\n`);
  for (const line of summaryOf(made, out)) console.log(line);
}

function summaryOf({ pictures, own, others }: AccuracyFit, out: string): string[] {
  const mixes = Object.entries(pictures.mixes).map(([mix, { ap }]) => `${mix} AP ${percent(ap)}`);
  return [
    `${out}: ${mixes.join(', ')}`,
    ...linesOf('against the same scenes', own),
    ...(others === null
      ? ['against other scenes: no estimate, which takes pictures of three scene mixes or more']
      : linesOf('against other scenes', others)),
  ];
}

function linesOf(title: string, { tracked, untracked }: AccuracyFit['own']): string[] {
  return [...lineOf(title, untracked), ...(tracked === null ? [] : lineOf(`${title}, with tracks`, tracked))];
}

function lineOf(
  title: string,
  { link, regressors, errors, worseBelow }: AccuracyFit['own']['untracked'],
): string[] {
  const terms = regressors.map(
    ({ name, weight }) => `${weight < 0 ? '-' : '+'} ${Math.abs(weight).toPrecision(3)} ${name}`,
  );
  const { meanAbsolute, low, high, rankCorrelation } = errors;
  const sum = terms.join(' ');
  return [
    `${title}: ${link === 'exponential' ? `exp(${sum})` : `1 ${sum}`}`,
    `  error ${percent(meanAbsolute)} %, 90 % from ${percent(low)} to ${percent(high)} %, ` +
      `rank correlation ${rankCorrelation?.toFixed(3) ?? '-'}, worse below ${percent(worseBelow)} %`,
  ];
}

const percent = (value: number): string => (100 * value).toFixed(1);

/** Adds `goshawk drift fit`. */
export function registerDriftFit(drift: Command): void {
  drift
    .command('fit')
    .description('learn how the accuracy of a bundle follows from what a robot measures without labels')
    .option('--bundle <name|path>', 'the bundle', 'goshawk-street')
    .option('--annotations <file>', 'COCO annotations of pictures (default: simulated streets)')
    .option('--images <dir>', 'folder of the pictures')
    .option('--limit <n>', 'only the first pictures by id', wholeFrom(2, 10_000_000))
    .option('--streets <n>', 'simulated streets of each scene mix', wholeFrom(1, 12), 2)
    .option('--frames <n>', 'frames of each street', wholeFrom(1, 10_000), 16)
    .option('--strengths <n>', 'strengths of each corruption, from the weakest on', wholeFrom(1, 5), 5)
    .option('--degraded <dir>', 'pictures that another tool degraded, as DIR/CORRUPTION/STRENGTH/FILE')
    .option('--weather', 'degrade simulated streets by their own weather and sensor instead', false)
    .option('--seed <n>', 'of streets and corruptions', wholeFrom(0, 1e9), 1)
    .option('--threads <n>', 'threads of inference', wholeFrom(1, 256), 2)
    .option('--samples <file>', 'keep what was measured, to resume and for "goshawk bench accuracy-estimate"')
    .option('--out <file>', 'the fit to write (default: next to the manifest of the bundle)')
    .action(fit);
}
