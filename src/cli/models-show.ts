import type { Command } from 'commander';
import type { BundleManifest } from '../contract/bundle.ts';
import { describeCandidate, describeCheck, describeChecked } from '../contract/engine-choice.ts';
import { verifyBundle } from '../device/authoring/verify.ts';
import { checkReferences, planEngine, refusedVariants } from '../device/inference/plan-engine.ts';
import { contentDigest } from '../model/content-digest.ts';
import { checkDigests, checksHold } from '../model/lineage-checks.ts';
import { statedWords } from '../model/lineage-text.ts';
import { ModelRepository } from '../model/repository.ts';
import { summary } from './bundle-summary.ts';
import { printJson } from './kit/report.ts';

/** Adds `goshawk models show` and `goshawk models verify`. */
export function registerModelsShow(models: Command): void {
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
