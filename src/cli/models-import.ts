import { resolve } from 'node:path';
import type { Command } from 'commander';
import type { LineageFacts } from '../contract/lineage.ts';
import { importModel, type ImportOptions } from '../device/authoring/import-model.ts';
import type { Equivalence } from '../device/authoring/output-comparison.ts';
import { bundleNameFrom } from '../model/bundle-name.ts';
import { createdAtFrom } from '../model/created-at.ts';
import { ModelRepository, userModels } from '../model/repository.ts';
import { checkNewBundle } from '../model/write-bundle.ts';
import { summary } from './bundle-summary.ts';
import { readEvaluation, readLineage } from './import-facts.ts';
import { addNetworkOptions, networkOptions, readLabels, type NetworkFlags } from './import-options.ts';
import { given } from './kit/given.ts';
import { repeated } from './kit/options.ts';
import { describeReferences, readReferenceImages } from './reference-images.ts';

/** Adds `goshawk models import`. */
export function registerModelsImport(models: Command): void {
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
