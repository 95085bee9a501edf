import { resolve } from 'node:path';
import type { Command } from 'commander';
import { packBundle } from '../model/pack.ts';
import { ModelRepository } from '../model/repository.ts';
import { checkOutputFiles } from '../platform/outputs.ts';
import { summary } from './bundle-summary.ts';
import { printJson } from './kit/report.ts';

/** Adds `goshawk models list`. */
export function registerModelsList(models: Command): void {
  models.command('list').description('list the installed bundles').option('--json', 'as JSON').action(list);
}

/** Adds `goshawk models pack`. */
export function registerModelsPack(models: Command): void {
  models
    .command('pack')
    .description('write a bundle as one tar file; the same bundle always yields the same bytes')
    .argument('<bundle>', 'NAME[@VERSION] or a path')
    .option('--out <file>', 'file to write (default: NAME-VERSION.tar)')
    .action(pack);
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

async function pack(reference: string, flags: { out?: string }): Promise<void> {
  await checkOutputFiles(flags.out);
  const bundle = await new ModelRepository().load(reference);
  const out = resolve(flags.out ?? `${bundle.manifest.name}-${bundle.manifest.version}.tar`);
  if (flags.out === undefined) await checkOutputFiles(out);
  const bytes = await packBundle(bundle, out);
  console.log(`${out}: ${bytes} bytes`);
}
