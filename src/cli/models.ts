import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { BundleManifest } from '../contract/bundle.ts';
import { describeCandidate, describeCheck, describeChecked } from '../contract/engine-choice.ts';
import type { LineageFacts } from '../contract/lineage.ts';
import { bundleNameFrom } from '../model/bundle-name.ts';
import type { Bundle } from '../model/bundle.ts';
import { contentDigest } from '../model/content-digest.ts';
import { createdAtFrom } from '../model/created-at.ts';
import type { Equivalence } from '../device/authoring/output-comparison.ts';
import { importModel, type ImportOptions } from '../device/authoring/import-model.ts';
import { packBundle } from '../model/pack.ts';
import { ModelRepository, userModels } from '../model/repository.ts';
import { checkNewBundle } from '../model/write-bundle.ts';
import { checkOutputFiles } from '../platform/outputs.ts';
import { checkDigests, checksHold } from '../model/lineage-checks.ts';
import { statedWords } from '../model/lineage-text.ts';
import { verifyBundle } from '../device/authoring/verify.ts';
import { checkReferences, planEngine, refusedVariants } from '../device/inference/plan-engine.ts';
import { readEvaluation, readLineage } from './import-facts.ts';
import { registerModelsEngine } from './models-engine.ts';
import { registerModelsLineage } from './models-lineage.ts';
import { registerModelsReferences } from './models-references.ts';
import { describeReferences, readReferenceImages } from './reference-images.ts';
import { addNetworkOptions, networkOptions, readLabels, type NetworkFlags } from './import-options.ts';
import { given } from './kit/given.ts';
import { repeated } from './kit/options.ts';
import { printJson } from './kit/report.ts';

/** Adds `goshawk models` to the program. */
export function registerModels(program: Command): void {
  const models = program.command('models').description('manage the models on this machine');

  models.command('list').description('list the installed bundles').option('--json', 'as JSON').action(list);

  models
    .command('show')
    .description('describe a bundle')
    .argument('<bundle>', 'NAME[@VERSION] or a path')
    .option('--json', 'the manifest as JSON')
    .action(show);

  models
    .command('verify')
    .description('check the digests of a bundle, and its graphs against its manifest')
    .argument('<bundle>', 'NAME[@VERSION] or a path')
    .action(verify);

  registerModelsLineage(models);
  registerModelsEngine(models);
  registerModelsReferences(models);

  models
    .command('pack')
    .description('write a bundle as one tar file; the same bundle always yields the same bytes')
    .argument('<bundle>', 'NAME[@VERSION] or a path')
    .option('--out <file>', 'file to write (default: NAME-VERSION.tar)')
    .action(pack);

  const importCommand = models
    .command('import')
    .description('make a bundle from an ONNX detector, with preprocessing folded into its graph')
    .argument('<file>', 'an ONNX file')
    .option(
      '--labels <file>',
      'class names, one per line in training order, or "coco80" (default: those in the file)',
    )
    .option('--name <name>', 'name of the bundle (default: from the file)')
    .option('--version <version>', 'version of the bundle', '1.0.0')
    .option('--out <dir>', "model folder to write to (default: the user's)");
  addNetworkOptions(importCommand)
    .option(
      '--parent <bundle>',
      'a bundle that the weights were made from, recorded in the manifest; repeatable',
      repeated,
    )
    .option('--lineage <file>', 'JSON with facts about how the model was made, recorded in the manifest')
    .option('--evaluation <file>', 'report of "goshawk evaluate" with this model, recorded in the manifest')
    .option('--description <text>', 'recorded in the manifest')
    .option('--license <name>', 'license of the weights, recorded in the manifest')
    .option(
      '--reference-images <dir>',
      'images to make its references from, JPEG or PNG (default: simulated streets)',
    )
    .option(
      '--created-at <time>',
      'ISO 8601 or "now", recorded in the manifest (default: SOURCE_DATE_EPOCH, else no time: ' +
        'the same file then always has the same digest)',
    )
    .action(importFile);
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
    printJson(rows);
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
  return (
    `${name}@${version}  ${head} ${size}, ${labels.length} classes, ` +
    `${variants(manifest)}${accuracy}  ${digest.slice(0, 12)}`
  );
}

function variants(manifest: BundleManifest): string {
  return manifest.variants.map(({ id, bytes }) => `${id} ${(bytes / 1e6).toFixed(2)} MB`).join(' + ');
}

async function show(reference: string, flags: { json?: boolean }): Promise<void> {
  const bundle = await new ModelRepository().load(reference);
  const { manifest } = bundle;
  if (flags.json === true) {
    const { digest, folder } = bundle;
    printJson({ digest, contentDigest: contentDigest(manifest), folder, manifest });
    return;
  }
  const { input, thresholds } = manifest;
  console.log(summary(bundle));
  console.log(`folder      ${bundle.folder}`);
  console.log(`digest      ${bundle.digest}`);
  console.log(`content     ${contentDigest(manifest)}`);
  console.log(
    `input       ${input.width}x${input.height}, trained on ${input.colorOrder}, letterbox ` +
      `${input.anchor}, border ${input.padValue}, shrunk ${input.resize}`,
  );
  console.log(
    `thresholds  score ${thresholds.score}, IoU ${thresholds.iou}, at most ${thresholds.maxDetections}`,
  );
  console.log(
    `size        ${manifest.parameters} parameters, ${manifest.macs} multiply-accumulates per frame`,
  );
  for (const variant of manifest.variants) {
    const batch = `batch ${variant.batch.min}..${variant.batch.max}`;
    console.log(
      `variant     ${variant.id}: ${variant.precision}, ${batch}, for ` +
        `${variant.providers.join(', ')}, ${variant.file} ${variant.sha256.slice(0, 12)}`,
    );
  }
  const { candidates, choice } = await planEngine({ bundle });
  const [first] = candidates;
  const taken = first === undefined ? 'none' : describeCandidate({ ...first, variant: first.variant.id });
  console.log(`runs here   ${taken}: ${choice.why}`);
  for (const candidate of choice.candidates) {
    const latency = candidate.latencyMs === null ? 'not timed' : `${candidate.latencyMs.toFixed(2)} ms`;
    console.log(`            ${describeCandidate(candidate)}: ${latency}, ${describeCheck(candidate.check)}`);
  }
  console.log(
    `references  ${manifest.references === undefined ? 'none: it runs unchecked' : describeEntry(manifest.references)}`,
  );
  for (const { dataset, ap, ap50, images, evaluator } of manifest.evaluation ?? []) {
    console.log(
      `evaluation  ${dataset}: AP ${ap.toFixed(4)}, AP50 ${ap50.toFixed(4)} on ${images} images (${evaluator})`,
    );
  }
  console.log(`labels      ${manifest.labels.join(', ')}`);
}

function describeEntry({ file, bytes }: NonNullable<BundleManifest['references']>): string {
  return `${file}, ${bytes} bytes`;
}

async function verify(reference: string): Promise<void> {
  const bundle = await new ModelRepository().load(reference);
  const findings = await verifyBundle(bundle);
  const checks = await checkReferences({ bundle });
  console.log(summary(bundle));
  for (const { id, ran } of findings) {
    console.log(
      ran
        ? `${id}: digest, input, head and labels are correct`
        : `${id}: digest is correct; an engine for another device, not run here`,
    );
    for (const entry of checks.filter(({ variant }) => variant === id)) {
      console.log(`  references, ${describeChecked(entry)}`);
    }
  }
  const stated = await checkDigests(bundle, new Map());
  for (const line of statedWords(stated)) console.log(line);
  if (refusedVariants(checks).length > 0 || !checksHold(stated)) process.exitCode = 1;
}

async function pack(reference: string, flags: { out?: string }): Promise<void> {
  await checkOutputFiles(flags.out);
  const bundle = await new ModelRepository().load(reference);
  const out = resolve(flags.out ?? `${bundle.manifest.name}-${bundle.manifest.version}.tar`);
  if (flags.out === undefined) await checkOutputFiles(out);
  const bytes = await packBundle(bundle, out);
  console.log(`${out}: ${bytes} bytes`);
}

/** What was compared, in words. */
function checkedWords({ pictures, maxAbsolute, detections }: Equivalence): string {
  const by = `differ from the original's by at most ${maxAbsolute.toExponential(1)}`;
  if (detections === null) return `on ${pictures} images the outputs ${by}`;
  const found = detections === 0 ? 'no image yields a detection' : `${detections} detections are the same`;
  return `on ${pictures} images the values before the selection of boxes ${by}; ${found}`;
}

interface ImportFlags extends NetworkFlags {
  readonly labels?: string;
  readonly version: string;
  readonly name?: string;
  readonly out?: string;
  readonly parent?: readonly string[];
  readonly lineage?: string;
  readonly evaluation?: string;
  readonly description?: string;
  readonly license?: string;
  readonly createdAt?: string;
  readonly referenceImages?: string;
}

/** The model's known history: the file of --lineage, and the bundles of --parent. */
async function factsOf({ lineage, parent = [] }: ImportFlags): Promise<LineageFacts | undefined> {
  if (lineage === undefined && parent.length === 0) return undefined;
  const facts = lineage === undefined ? {} : await readLineage(lineage);
  const repository = new ModelRepository();
  const parents = [...(facts.parents ?? [])];
  for (const reference of parent) {
    const { manifest, digest } = await repository.load(reference);
    parents.push({ name: manifest.name, version: manifest.version, digest });
  }
  return { ...facts, parents };
}

async function importFile(file: string, flags: ImportFlags): Promise<void> {
  const out = resolve(flags.out ?? userModels());
  const name = flags.name ?? bundleNameFrom(file);
  await checkNewBundle(out, name, flags.version);
  const options: ImportOptions = {
    file,
    out,
    name,
    version: flags.version,
    ...networkOptions(flags),
    ...given({
      labels: flags.labels === undefined ? undefined : await readLabels(flags.labels),
      lineage: await factsOf(flags),
      evaluation: flags.evaluation === undefined ? undefined : [await readEvaluation(flags.evaluation)],
      description: flags.description,
      license: flags.license,
      createdAt: createdAtFrom(flags.createdAt),
      referenceImages:
        flags.referenceImages === undefined ? undefined : await readReferenceImages(flags.referenceImages),
    }),
    tool: 'goshawk models import',
  };
  const { bundle, guessed, layout, notes, steps, equivalence, references } = await importModel(options);
  console.log(summary(bundle));
  console.log(
    `head        ${bundle.manifest.head}${guessed ? ', detected by running the graph' : ''}: ${layout}`,
  );
  for (const note of notes) console.log(`note        ${note}`);
  console.log(`folded      ${['uint8 RGB rows in', ...steps].join('; ')}`);
  console.log(`checked     ${checkedWords(equivalence)}`);
  console.log(`references  ${describeReferences(references)}`);
  console.log(`written     ${bundle.folder}`);
  console.log(`digest      ${bundle.digest}`);
}
