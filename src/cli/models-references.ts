import { resolve } from 'node:path';
import type { Command } from 'commander';
import { addReferences } from '../device/authoring/add-references.ts';
import { createdAtFrom } from '../model/created-at.ts';
import { ModelRepository, userModels } from '../model/repository.ts';
import { checkOutputFolder } from '../platform/outputs.ts';
import { given } from './kit/given.ts';
import { describeReferences, readReferenceImages } from './reference-images.ts';

/** Adds `goshawk models add-references`. */
export function registerModelsReferences(models: Command): void {
  models
    .command('add-references')
    .description(
      'make references for a bundle and write them into a new version of it: every device can ' +
        'then check that it computes what was evaluated',
    )
    .argument('<bundle>', 'NAME[@VERSION] or a path')
    .option(
      '--reference-images <dir>',
      'JPEG or PNG images typical for the model (default: simulated streets)',
    )
    .option('--version <version>', 'version of the new bundle (default: the next patch release)')
    .option('--out <dir>', "model folder to write to (default: the user's)")
    .option(
      '--created-at <time>',
      'ISO 8601 or "now", recorded in the manifest (default: SOURCE_DATE_EPOCH, else no time)',
    )
    .action(add);
}

interface Flags {
  readonly referenceImages?: string;
  readonly version?: string;
  readonly out?: string;
  readonly createdAt?: string;
}

async function add(reference: string, flags: Flags): Promise<void> {
  const { referenceImages: folder } = flags;
  const out = resolve(flags.out ?? userModels());
  await checkOutputFolder(out);
  const parent = await new ModelRepository().load(reference);
  const { bundle, references } = await addReferences(parent, {
    out,
    ...given({
      pictures: folder === undefined ? undefined : await readReferenceImages(folder),
      version: flags.version,
      createdAt: createdAtFrom(flags.createdAt),
    }),
  });
  console.log(`${bundle.manifest.name}@${bundle.manifest.version}`);
  console.log(`references  ${describeReferences(references)}`);
  console.log(`written     ${bundle.folder}`);
  console.log(`digest      ${bundle.digest}`);
}
