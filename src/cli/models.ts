import { readFile } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { InvalidArgumentError, Option, type Command } from 'commander';
import type { BundleManifest } from '../contract/bundle.ts';
import { GoshawkError } from '../contract/errors.ts';
import { COCO80 } from '../core/coco-labels.ts';
import { HEADS, type Head } from '../core/heads/head.ts';
import type { LetterboxAnchor, LetterboxResize } from '../core/image/letterbox.ts';
import type { Bundle } from '../device/bundles/bundle.ts';
import { importModel, type ImportOptions } from '../device/bundles/import-model.ts';
import { packBundle } from '../device/bundles/pack.ts';
import { ModelRepository, userModels } from '../device/bundles/repository.ts';
import { verifyBundle } from '../device/bundles/verify.ts';
import { readEvaluation, readLineage } from './import-facts.ts';

/** Adds `goshawk models` to the program. */
export function registerModels(program: Command): void {
  const models = program.command('models').description('the models that this machine has');

  models.command('list').description('bundles that are installed').option('--json', 'as JSON').action(list);

  models
    .command('show')
    .description('what a bundle is')
    .argument('<bundle>', 'NAME[@VERSION] or a path')
    .option('--json', 'the manifest as JSON')
    .action(show);

  models
    .command('verify')
    .description('check the digests of a bundle, and its graphs against its manifest')
    .argument('<bundle>', 'NAME[@VERSION] or a path')
    .action(verify);

  models
    .command('pack')
    .description('write a bundle as one tar file; the same bundle gives the same bytes')
    .argument('<bundle>', 'NAME[@VERSION] or a path')
    .option('--out <file>', 'file to write (default: NAME-VERSION.tar)')
    .action(pack);

  models
    .command('import')
    .description('make a bundle of a detector in ONNX form, preprocessing folded into its graph')
    .argument('<file>', 'an ONNX file')
    .requiredOption('--labels <file>', 'class names, one a line in the order of training, or "coco80"')
    .addOption(
      new Option('--head <head>', 'how to read the output (default: told from its shape)').choices(HEADS),
    )
    .option('--name <name>', 'name of the bundle (default: from the file)')
    .option('--version <version>', 'version of the bundle', '1.0.0')
    .option('--out <dir>', "model folder to write to (default: the user's)")
    .option('--size <WxH>', 'network input, for a graph that leaves it open', parseSize)
    .addOption(
      new Option('--color <order>', 'channel order of training (default: by head)').choices(['rgb', 'bgr']),
    )
    .option('--scale <factor>', 'multiplies pixels of 0..255 (default: by head)', parseNumber)
    .option('--mean <a,b,c>', 'is subtracted after scaling, in the channel order of training', parseTriple)
    .option('--std <a,b,c>', 'divides after that', parseTriple)
    .addOption(
      new Option('--anchor <place>', 'where the picture lies in the input (default: by head)').choices([
        'top-left',
        'center',
      ]),
    )
    .option('--pad <value>', 'gray of the border, 0..255 (default: 114)', parseByte)
    .addOption(
      new Option(
        '--resize <how>',
        'how pictures of training were made smaller (default: bilinear, as OpenCV does)',
      ).choices(['bilinear', 'average']),
    )
    .option('--lineage <file>', 'JSON with facts about how the model was made, kept in the manifest')
    .option('--evaluation <file>', 'report of "goshawk evaluate" with this model, kept in the manifest')
    .option('--description <text>', 'kept in the manifest')
    .option('--license <name>', 'license of the weights, kept in the manifest')
    .action(importFile);
}

function parseNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('It must be a number.');
  return value;
}

function parseByte(text: string): number {
  const value = parseNumber(text);
  if (!Number.isInteger(value) || value < 0 || value > 255) {
    throw new InvalidArgumentError('It must be a whole number from 0 to 255.');
  }
  return value;
}

function parseTriple(text: string): readonly [number, number, number] {
  const [a, b, c, ...rest] = text.split(',').map(parseNumber);
  if (a === undefined || b === undefined || c === undefined || rest.length > 0) {
    throw new InvalidArgumentError('It must be three numbers, such as 123.7,116.3,103.5.');
  }
  return [a, b, c];
}

function parseSize(text: string): { width: number; height: number } {
  const match = /^(\d+)x(\d+)$/.exec(text);
  if (match === null) throw new InvalidArgumentError('It must be WIDTHxHEIGHT, such as 640x640.');
  return { width: Number(match[1]), height: Number(match[2]) };
}

async function list(flags: { json?: boolean }): Promise<void> {
  const repository = new ModelRepository();
  const listings = await repository.list();
  if (flags.json === true) {
    const rows = listings.map((entry) =>
      'bundle' in entry
        ? {
            name: entry.bundle.manifest.name,
            version: entry.bundle.manifest.version,
            head: entry.bundle.manifest.head,
            digest: entry.bundle.digest,
            folder: entry.folder,
          }
        : { folder: entry.folder, error: entry.error.code, message: entry.error.message },
    );
    console.log(JSON.stringify(rows, null, 2));
    return;
  }
  if (listings.length === 0) {
    console.log(`no bundles in ${repository.folders.join(', ')}`);
    return;
  }
  for (const entry of listings) {
    console.log(
      'bundle' in entry
        ? summary(entry.bundle)
        : `${entry.folder}: ${entry.error.code}: ${entry.error.message}`,
    );
  }
}

function summary({ manifest, digest }: Bundle): string {
  const { name, version, head, input, labels, evaluation } = manifest;
  const accuracy = evaluation?.[0] === undefined ? '' : `, AP ${evaluation[0].ap.toFixed(3)}`;
  const size = `${input.width}x${input.height}`;
  return `${name}@${version}  ${head} ${size}, ${labels.length} classes, ${variants(manifest)}${accuracy}  ${digest.slice(0, 12)}`;
}

function variants(manifest: BundleManifest): string {
  return manifest.variants.map(({ id, bytes }) => `${id} ${(bytes / 1e6).toFixed(2)} MB`).join(' + ');
}

async function show(reference: string, flags: { json?: boolean }): Promise<void> {
  const bundle = await new ModelRepository().load(reference);
  const { manifest } = bundle;
  if (flags.json === true) {
    console.log(JSON.stringify({ digest: bundle.digest, folder: bundle.folder, manifest }, null, 2));
    return;
  }
  const { input, thresholds } = manifest;
  console.log(summary(bundle));
  console.log(`folder      ${bundle.folder}`);
  console.log(`digest      ${bundle.digest}`);
  console.log(
    `input       ${input.width}x${input.height}, trained on ${input.colorOrder}, letterbox ${input.anchor}, border ${input.padValue}, shrunk ${input.resize}`,
  );
  console.log(
    `thresholds  score ${thresholds.score}, IoU ${thresholds.iou}, at most ${thresholds.maxDetections}`,
  );
  console.log(`size        ${manifest.parameters} parameters, ${manifest.macs} multiply-accumulates a frame`);
  for (const variant of manifest.variants) {
    const batch = `batch ${variant.batch.min}..${variant.batch.max}`;
    console.log(
      `variant     ${variant.id}: ${variant.precision}, ${batch}, for ${variant.providers.join(', ')}, ${variant.file} ${variant.sha256.slice(0, 12)}`,
    );
  }
  for (const { dataset, ap, ap50, images, evaluator } of manifest.evaluation ?? []) {
    console.log(
      `evaluation  ${dataset}: AP ${ap.toFixed(4)}, AP50 ${ap50.toFixed(4)} on ${images} images (${evaluator})`,
    );
  }
  console.log(`labels      ${manifest.labels.join(', ')}`);
}

async function verify(reference: string): Promise<void> {
  const bundle = await new ModelRepository().load(reference);
  const findings = await verifyBundle(bundle);
  console.log(summary(bundle));
  for (const { id, ran } of findings) {
    console.log(
      ran
        ? `${id}: digest, input, head and labels are right`
        : `${id}: digest is right; an engine for another device, not run here`,
    );
  }
}

async function pack(reference: string, flags: { out?: string }): Promise<void> {
  const bundle = await new ModelRepository().load(reference);
  const out = resolve(flags.out ?? `${bundle.manifest.name}-${bundle.manifest.version}.tar`);
  const bytes = await packBundle(bundle, out);
  console.log(`${out}: ${bytes} bytes`);
}

interface ImportFlags {
  readonly labels: string;
  readonly version: string;
  readonly head?: Head;
  readonly name?: string;
  readonly out?: string;
  readonly size?: { width: number; height: number };
  readonly color?: 'rgb' | 'bgr';
  readonly scale?: number;
  readonly mean?: readonly [number, number, number];
  readonly std?: readonly [number, number, number];
  readonly anchor?: LetterboxAnchor;
  readonly pad?: number;
  readonly resize?: LetterboxResize;
  readonly lineage?: string;
  readonly evaluation?: string;
  readonly description?: string;
  readonly license?: string;
}

async function readLabels(source: string): Promise<readonly string[]> {
  if (source === 'coco80') return COCO80;
  let text: string;
  try {
    text = await readFile(source, 'utf8');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new GoshawkError('GOSHAWK_FILE_UNREADABLE', { file: source, reason }, { cause });
  }
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

/** `YOLOX Nano.onnx` becomes `yolox-nano`. */
function nameFrom(file: string): string {
  const stem = basename(file)
    .replace(/\.[^.]*$/, '')
    .toLowerCase();
  return stem.replace(/[^a-z0-9._-]+/g, '-').replace(/^[^a-z0-9]+/, '') || 'model';
}

/** An object without the entries that are undefined. */
function given<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}

async function importFile(file: string, flags: ImportFlags): Promise<void> {
  const options: ImportOptions = {
    file,
    out: resolve(flags.out ?? userModels()),
    name: flags.name ?? nameFrom(file),
    version: flags.version,
    labels: await readLabels(flags.labels),
    normalization: given({ colorOrder: flags.color, scale: flags.scale, mean: flags.mean, std: flags.std }),
    ...given({
      head: flags.head,
      size: flags.size,
      anchor: flags.anchor,
      padValue: flags.pad,
      resize: flags.resize,
      lineage: flags.lineage === undefined ? undefined : await readLineage(flags.lineage),
      evaluation: flags.evaluation === undefined ? undefined : [await readEvaluation(flags.evaluation)],
      description: flags.description,
      license: flags.license,
    }),
    tool: 'goshawk models import',
    createdAt: new Date().toISOString(),
  };
  const { bundle, guessed, steps, equivalence } = await importModel(options);
  console.log(summary(bundle));
  console.log(`head        ${bundle.manifest.head}${guessed ? ', told from the shape of the output' : ''}`);
  console.log(`folded      ${['uint8 rows of RGB go in', ...steps].join('; ')}`);
  console.log(
    `checked     on ${equivalence.pictures} pictures the outputs differ from the original's by ${equivalence.maxAbsolute.toExponential(1)} at most`,
  );
  console.log(`written     ${bundle.folder}`);
}
