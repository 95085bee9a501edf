import { rm } from 'node:fs/promises';
import { resolve } from 'node:path';
import { Option, type Command } from 'commander';
import { describeCheck, describeChecked } from '../contract/engine-choice.ts';
import { GoshawkError } from '../contract/errors.ts';
import { addEngine } from '../device/authoring/add-engine.ts';
import { createdAtFrom } from '../model/created-at.ts';
import { describeViolation, readEngineInput } from '../model/engine-source.ts';
import { ModelRepository, userModels } from '../model/repository.ts';
import { checkSuccessor } from '../model/successor.ts';
import { describeHost } from '../platform/describe-host.ts';
import { checkOutputFiles, checkOutputFolder, writeOutput } from '../platform/outputs.ts';
import { checkReferences, refusedVariants } from '../device/inference/plan-engine.ts';
import { given } from './kit/given.ts';
import { textLike } from './kit/options.ts';

const TOOL_VERSION = textLike(/^\d+(\.\d+){1,3}$/, 'a version such as 10.3.0');
const CAPABILITY = textLike(/^\d+\.\d$/, 'a compute capability such as 8.7');

/** Adds the subcommands of `goshawk models` that scripts/jetson/build-engine needs. */
export function registerModelsEngine(models: Command): void {
  models
    .command('engine-input')
    .description(
      'write the ONNX file that a TensorRT engine of a bundle is built from, checked against the rules of TensorRT',
    )
    .argument('<bundle>', 'NAME[@VERSION] or a path')
    .requiredOption('--out <file>', 'ONNX file to write')
    .option(
      '--variant <id>',
      'variant to build from (default: the first for TensorRT; with --int8 the first that is quantized)',
    )
    .option('--int8', 'build the engine for int8: the variant must be quantized')
    .option(
      '--for-out [dir]',
      "model folder that the engine will be added to (without DIR the user's): checked " +
        'now and not after the build',
    )
    .option(
      '--for-version <version>',
      'version of the bundle that the engine will be added to, for the same check',
    )
    .action(writeEngineInput);

  models
    .command('add-engine')
    .description(
      'wrap a TensorRT engine and add it to a new version of a bundle (scripts/jetson/build-engine does both)',
    )
    .argument('<bundle>', 'NAME[@VERSION] or a path')
    .requiredOption('--engine <file>', 'the engine file that trtexec saved')
    .requiredOption('--variant <id>', 'variant that it was built from')
    .requiredOption('--tensorrt <version>', 'TensorRT version that built it, such as 10.3.0', TOOL_VERSION)
    .requiredOption(
      '--compute-capability <x.y>',
      'compute capability of the GPU that built it, such as 8.7 (Orin)',
      CAPABILITY,
    )
    .option('--cuda <version>', 'CUDA version, such as 12.6', TOOL_VERSION)
    .addOption(
      new Option('--precision <name>', 'precision that it computes in')
        .choices(['fp32', 'fp16', 'int8', 'mixed'])
        .default('fp16'),
    )
    .option('--flags <text>', 'options that trtexec was called with, recorded in the lineage', '')
    .option('--id <id>', 'id of the new variant (default: from versions and precision)')
    .option('--version <version>', 'version of the new bundle (default: the next patch release)')
    .option('--out <dir>', "model folder to write to (default: the user's)")
    .option(
      '--created-at <time>',
      'ISO 8601 or "now", recorded in the manifest (default: SOURCE_DATE_EPOCH, else no time)',
    )
    .action(wrapEngine);
}

interface InputFlags {
  readonly out: string;
  readonly variant?: string;
  readonly int8?: boolean;
  readonly forOut?: string | true;
  readonly forVersion?: string;
}

/** Prints `name=value` lines for the calling script. */
async function writeEngineInput(reference: string, flags: InputFlags): Promise<void> {
  await checkOutputFiles(flags.out);
  const bundle = await new ModelRepository().load(reference);
  const { forOut, forVersion } = flags;
  if (forOut !== undefined) {
    const out = resolve(forOut === true ? userModels() : forOut);
    await checkSuccessor(bundle, { out, ...given({ version: forVersion }) });
  }
  const input = await readEngineInput(bundle, flags.variant ?? null, flags.int8 === true);
  await writeOutput(resolve(flags.out), input.bytes);
  for (const note of input.notes) console.error(`note: ${describeViolation(note)}`);
  console.log(`variant=${input.variant.id}`);
  console.log(`precision=${input.variant.precision}`);
  const { min = '', opt = '', max = '' } = input.shapes ?? {};
  console.log(`min_shapes=${min}\nopt_shapes=${opt}\nmax_shapes=${max}`);
}

interface EngineFlags {
  readonly engine: string;
  readonly variant: string;
  readonly tensorrt: string;
  readonly computeCapability: string;
  readonly cuda?: string;
  readonly precision: 'fp32' | 'fp16' | 'int8' | 'mixed';
  readonly flags: string;
  readonly id?: string;
  readonly version?: string;
  readonly out?: string;
  readonly createdAt?: string;
}

async function wrapEngine(reference: string, flags: EngineFlags): Promise<void> {
  const out = resolve(flags.out ?? userModels());
  await checkOutputFolder(out);
  const bundle = await new ModelRepository().load(reference);
  const { tensorrt, computeCapability, cuda } = flags;
  const { cpu, cores, os } = describeHost([]);
  const added = await addEngine(bundle, {
    file: flags.engine,
    from: flags.variant,
    built: { tensorrt, computeCapability, ...(cuda === undefined ? {} : { cuda }) },
    precision: flags.precision,
    flags: flags.flags.split(/\s+/).filter((flag) => flag !== ''),
    host: { cpu, cores, os },
    out,
    ...given({ id: flags.id, version: flags.version, createdAt: createdAtFrom(flags.createdAt) }),
  });
  const [variant] = added.manifest.variants;
  const checks = await checkReferences({ bundle: added, variant: variant?.id ?? '' });
  if (refusedVariants(checks).length > 0) {
    await rm(added.folder, { recursive: true });
    throw new GoshawkError('GOSHAWK_REFERENCE_MISMATCH', {
      bundle: reference,
      reasons: checks.map(describeChecked).join('; '),
    });
  }
  console.log(
    `${added.manifest.name}@${added.manifest.version}  ${variant?.id ?? ''}, only for ` +
      `TensorRT ${tensorrt} and compute capability ${computeCapability}`,
  );
  for (const { check } of checks) console.log(`references  ${describeCheck(check)}`);
  console.log(`written     ${added.folder}`);
  console.log(`digest      ${added.digest}`);
}
