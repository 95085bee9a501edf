import { fromBinary, toBinary } from '@bufbuild/protobuf';
import { GoshawkError } from '../../contract/errors.ts';
import { checkFields } from './field-count.ts';
import {
  ModelSchema,
  type DimensionProto,
  type GraphProto,
  type ModelProto,
  type TensorTypeProto,
  type ValueInfoProto,
} from './schema.ts';

/** A model that has a graph, as `readModel` returns it. */
export type Model = ModelProto & { graph: GraphProto };

/** Protobuf's limit for one message. */
export const MAX_MODEL_BYTES = 2 ** 31 - 1;

/**
 * Reads an ONNX file's bytes. Large tensors are views into `bytes`, not copies.
 * `file` names the source in errors. Throws GOSHAWK_MODEL_UNREADABLE.
 */
export function readModel(bytes: Uint8Array, file: string): Model {
  let model: ModelProto;
  try {
    checkFields(bytes);
    model = fromBinary(ModelSchema, bytes);
  } catch (cause) {
    throw new GoshawkError(
      'GOSHAWK_MODEL_UNREADABLE',
      { file, reason: cause instanceof Error ? cause.message : String(cause) },
      { cause },
    );
  }
  if (!hasGraph(model) || model.graph.node.length === 0) {
    throw new GoshawkError('GOSHAWK_MODEL_UNREADABLE', { file, reason: 'it has no graph' });
  }
  return model;
}

function hasGraph(model: ModelProto): model is Model {
  return model.graph !== undefined;
}

/** The model as ONNX file bytes. Parts that were not edited are unchanged, including unknown fields. */
export function writeModel(model: Model): Uint8Array<ArrayBuffer> {
  return toBinary(ModelSchema, model);
}

/** Version of the standard operator set, 0 if the model imports none. */
export function opsetVersion(model: Model): number {
  const entry = model.opsetImport.find((set) => set.domain === '' || set.domain === 'ai.onnx');
  return entry === undefined ? 0 : Number(entry.version);
}

/** Inputs that a caller must feed. Older files also list every initializer as an input. */
export function feedInputs(graph: GraphProto): ValueInfoProto[] {
  const initializers = new Set(graph.initializer.map((tensor) => tensor.name));
  return graph.input.filter((input) => !initializers.has(input.name));
}

/** What is known about an input or output that is a tensor; undefined for sequences, maps and values without a type. */
export function tensorTypeOf({ type }: ValueInfoProto): TensorTypeProto | undefined {
  return type?.value.case === 'tensorType' ? type.value.value : undefined;
}

/**
 * Sizes of a tensor: a number, or the name of a size that varies from run to run (empty if unnamed); null if
 * unknown.
 */
export function shapeOf(value: ValueInfoProto): (number | string)[] | null {
  const shape = tensorTypeOf(value)?.shape;
  return shape === undefined ? null : shape.dim.map(dimension);
}

function dimension({ value }: DimensionProto): number | string {
  return value.case === 'dimValue' ? Number(value.value) : (value.value ?? '');
}
