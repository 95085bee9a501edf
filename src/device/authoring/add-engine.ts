import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { BundleVariant } from '../../contract/bundle.ts';
import { GoshawkError } from '../../contract/errors.ts';
import type { LineageStage } from '../../contract/lineage.ts';
import { sha256Of } from '../../platform/digest.ts';
import { addVariant } from './add-variant.ts';
import type { Bundle } from '../../model/bundle.ts';
import { isEngineContext, makeEngineContext } from '../../model/onnx/engine-context.ts';
import { readModel, writeModel } from '../../model/onnx/model.ts';

export interface EngineAddition {
  /** the file that trtexec saved */
  readonly file: string;
  /** id of the variant that it was built from */
  readonly from: string;
  readonly built: NonNullable<BundleVariant['engine']>;
  readonly precision: BundleVariant['precision'];
  /** options of the build, for the lineage */
  readonly flags: readonly string[];
  /** the machine that it was built on, for the lineage */
  readonly host: NonNullable<LineageStage['host']>;
  /** id of the new variant; derived from versions and precision by default */
  readonly id?: string;
  readonly version?: string;
  readonly out: string;
  readonly createdAt?: string;
}

/**
 * Wraps a TensorRT engine in an ONNX file and adds it to a new version of the bundle. It runs only with the
 * TensorRT version and GPU that it was built for. Throws GOSHAWK_ENGINE_FILE if the file is not an engine,
 * GOSHAWK_ENGINE_INPUT if `from` is not a variant of the bundle or is an engine itself, and GOSHAWK_USAGE as
 * `addVariant` does.
 */
export async function addEngine(bundle: Bundle, addition: EngineAddition): Promise<Bundle> {
  const { built, precision } = addition;
  const { name, version, variants } = bundle.manifest;
  const source = variants.find(({ id }) => id === addition.from);
  const refuse = (reason: string): never => {
    throw new GoshawkError('GOSHAWK_ENGINE_INPUT', {
      variant: addition.from,
      bundle: `${name}@${version}`,
      reason,
    });
  };
  if (source === undefined) {
    return refuse(`there is none; it has ${variants.map(({ id }) => id).join(', ')}`);
  }
  const path = join(bundle.folder, source.file);
  const model = readModel(await readFile(path), path);
  if (isEngineContext(model)) return refuse('it is an engine itself');
  const engine = await readEngine(addition.file);
  const { tensorrt, cuda, computeCapability } = built;
  const id = addition.id ?? `trt${tensorrt}-sm${computeCapability.replace('.', '')}-${precision}`;
  return addVariant(bundle, {
    variant: {
      id,
      file: `${id}.onnx`,
      precision,
      providers: ['tensorrt'],
      batch: source.batch,
      engine: built,
    },
    bytes: writeModel(makeEngineContext(model, engine, computeCapability)),
    stage: {
      stage: 'engine',
      inputDigest: source.sha256,
      outputDigest: sha256Of(engine),
      host: addition.host,
      hyperparameters: { flags: addition.flags },
      toolVersions: { tensorrt, ...(cuda === undefined ? {} : { cuda }) },
    },
    tool: 'goshawk models add-engine',
    like: addition.from,
    out: addition.out,
    ...(addition.version === undefined ? {} : { version: addition.version }),
    ...(addition.createdAt === undefined ? {} : { createdAt: addition.createdAt }),
  });
}

async function readEngine(file: string): Promise<Uint8Array> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(file);
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new GoshawkError('GOSHAWK_FILE_UNREADABLE', { file, reason }, { cause });
  }
  const reason = whyNoEngine(bytes, file);
  if (reason !== null) throw new GoshawkError('GOSHAWK_ENGINE_FILE', { file, reason });
  return bytes;
}

/**
 * Recognizes files that are commonly mistaken for engines. TensorRT itself would only report that a "magic
 * tag does not match".
 */
function whyNoEngine(bytes: Uint8Array, file: string): string | null {
  if (bytes.byteLength < 1024) return `it has only ${bytes.byteLength} bytes`;
  // Ultralytics writes a JSON text, preceded by its length, in front of the engine
  if (bytes[4] === '{'.charCodeAt(0))
    return 'it begins with metadata of an Ultralytics export, not with the engine';
  return isOnnx(bytes, file) ? 'it is an ONNX file' : null;
}

function isOnnx(bytes: Uint8Array, file: string): boolean {
  try {
    readModel(bytes, file);
    return true;
  } catch {
    return false;
  }
}
