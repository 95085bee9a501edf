import { clearField } from '@bufbuild/protobuf';
import { dirname, isAbsolute, join, normalize, sep } from 'node:path';
import { GoshawkError } from '../../contract/errors.ts';
import { sha256Of } from '../../platform/digest.ts';
import { readRegularFile } from '../../platform/regular-file.ts';
import type { Model } from './model.ts';
import { nestedGraphs } from './rename.ts';
import { DATA_LOCATION, DATA_TYPE, TensorSchema, type GraphProto, type TensorProto } from './schema.ts';

/** Location of tensor data that is stored outside the model file. */
interface Place {
  readonly location: string;
  readonly offset: number;
  /** null if it goes to the end of the file */
  readonly length: number | null;
}

/** A file that weights were read from. */
export interface ExternalFile {
  readonly location: string;
  readonly sha256: string;
}

/** Maximum size of an external file: an ONNX file with all data embedded cannot be larger. */
const MAX_BYTES = 2 ** 31 - 1;

function* tensorsOf(graph: GraphProto): Generator<TensorProto> {
  yield* graph.initializer;
  for (const node of graph.node) {
    for (const { t, tensors } of node.attribute) {
      if (t !== undefined) yield t;
      yield* tensors;
    }
    for (const body of nestedGraphs(node)) yield* tensorsOf(body);
  }
}

/** Names of the files with parts of the model's weights; empty if all are embedded. */
export function externalFiles({ graph }: Model): string[] {
  const names = new Set<string>();
  for (const tensor of tensorsOf(graph)) {
    if (tensor.dataLocation === DATA_LOCATION.EXTERNAL) names.add(placeOf(tensor).location);
  }
  return [...names];
}

function placeOf({ externalData }: TensorProto): Place {
  const entry = (key: string): string | undefined => externalData.find((pair) => pair.key === key)?.value;
  const length = entry('length');
  return {
    location: entry('location') ?? '',
    offset: Number(entry('offset') ?? 0),
    length: length === undefined ? null : Number(length),
  };
}

/** Bytes per element, for types with whole bytes. */
const ELEMENT_BYTES: Readonly<Record<number, number>> = {
  [DATA_TYPE.FLOAT]: 4,
  [DATA_TYPE.UINT8]: 1,
  [DATA_TYPE.INT8]: 1,
  [DATA_TYPE.INT32]: 4,
  [DATA_TYPE.INT64]: 8,
  [DATA_TYPE.FLOAT16]: 2,
};

/**
 * Embeds weights from files next to the model, in place, so that the model is self-contained. Files are only
 * looked up next to `file`, regardless of the working folder. Returns the files that were read, sorted by
 * name. Throws GOSHAWK_EXTERNAL_DATA if one is missing, too short, or outside the model's folder.
 */
export async function inlineExternalData(model: Model, file: string): Promise<ExternalFile[]> {
  const read = new Map<string, Uint8Array>();
  for (const location of externalFiles(model).sort()) read.set(location, await readBeside(location, file));
  if (read.size === 0) return [];
  for (const tensor of tensorsOf(model.graph)) {
    if (tensor.dataLocation !== DATA_LOCATION.EXTERNAL) continue;
    const { location, offset, length } = placeOf(tensor);
    const bytes = read.get(location) ?? new Uint8Array();
    const end = length === null ? bytes.byteLength : offset + length;
    const whole = Number.isSafeInteger(offset) && Number.isSafeInteger(end) && offset >= 0 && end >= offset;
    if (!whole || end > bytes.byteLength) {
      throw refusal(
        file,
        location,
        `${tensor.name} should end at byte ${end}, but the file has ${bytes.byteLength}`,
      );
    }
    const size = ELEMENT_BYTES[tensor.dataType];
    const count = tensor.dims.reduce((total, dim) => total * Number(dim), 1);
    if (size !== undefined && end - offset !== count * size) {
      throw refusal(
        file,
        location,
        `${tensor.name} takes ${count * size} bytes, but ${end - offset} are stated`,
      );
    }
    tensor.rawData = bytes.subarray(offset, end);
    clearField(tensor, TensorSchema.field.dataLocation);
    tensor.externalData = [];
  }
  return [...read].map(([location, bytes]) => ({ location, sha256: sha256Of(bytes) }));
}

async function readBeside(location: string, file: string): Promise<Uint8Array> {
  const plain = normalize(location);
  if (location === '' || isAbsolute(location) || plain === '..' || plain.startsWith(`..${sep}`)) {
    throw refusal(file, location, 'it is outside the folder of the model');
  }
  try {
    return await readRegularFile(join(dirname(file), plain), MAX_BYTES);
  } catch (cause) {
    throw refusal(file, location, cause instanceof Error ? cause.message : String(cause));
  }
}

function refusal(file: string, location: string, reason: string): GoshawkError {
  return new GoshawkError('GOSHAWK_EXTERNAL_DATA', { file, location, reason });
}
