import { dirname, resolve } from 'node:path';
import type { Command } from 'commander';
import { readManifest, sha256OfFile } from '../model/bundle.ts';
import { LineageReader, lineageHolds } from '../model/lineage.ts';
import { LineageSources } from '../model/lineage-sources.ts';
import { lineageText } from '../model/lineage-text.ts';
import { ModelRepository } from '../model/repository.ts';
import { repeated } from './kit/options.ts';
import { printJson } from './kit/report.ts';

interface LineageFlags {
  readonly json?: boolean;
  readonly with?: readonly string[];
}

/** Adds `lineage` to `goshawk models`. */
export function registerModelsLineage(models: Command): void {
  models
    .command('lineage')
    .description('how a bundle was made, back to its oldest known parent; checks every digest that it can')
    .argument('<bundle>', 'NAME[@VERSION] or a path')
    .option('--json', 'as JSON')
    .option(
      '--with <file>',
      'a file of its history (annotations, the imported ONNX file), matched by digest; repeatable',
      repeated,
    )
    .action(showLineage);
}

/** Exits with code 1 if a file differs from what the lineage states. */
async function showLineage(reference: string, flags: LineageFlags): Promise<void> {
  const repository = new ModelRepository();
  const root = await readManifest(await repository.find(reference));
  // a bundle given by path usually has its parents next to it
  const beside = new ModelRepository([dirname(dirname(resolve(root.folder)))]);
  const sources = new LineageSources([...(await beside.list()), ...(await repository.list())]);
  const files = new Map<string, string>();
  for (const file of flags.with ?? []) files.set(await sha256OfFile(file), file);
  const tree = await new LineageReader(sources, files).read(root);
  const holds = lineageHolds(tree);
  if (flags.json === true) printJson({ schema: 'goshawk.lineage/1', holds, signed: false, tree });
  else for (const line of lineageText(tree)) console.log(line);
  if (!holds) process.exitCode = 1;
}
