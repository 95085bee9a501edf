import { create } from '@bufbuild/protobuf';
import {
  ATTRIBUTE_TYPE,
  AttributeSchema,
  DATA_TYPE,
  NodeSchema,
  TensorSchema,
  ValueInfoSchema,
  type AttributeProto,
  type DimensionProto,
  type NodeProto,
  type TensorProto,
  type ValueInfoProto,
} from './schema.ts';

/** A whole number is an INT, a list of them INTS, text or bytes a STRING; a FLOAT must be marked. */
export type AttributeValue = number | string | Uint8Array | readonly number[] | { readonly float: number };

function makeAttribute(name: string, value: AttributeValue): AttributeProto {
  if (typeof value === 'number') {
    return create(AttributeSchema, { name, type: ATTRIBUTE_TYPE.INT, i: BigInt(value) });
  }
  if (typeof value === 'string') {
    return create(AttributeSchema, { name, type: ATTRIBUTE_TYPE.STRING, s: new TextEncoder().encode(value) });
  }
  if (value instanceof Uint8Array) {
    return create(AttributeSchema, { name, type: ATTRIBUTE_TYPE.STRING, s: value });
  }
  if ('float' in value) {
    return create(AttributeSchema, { name, type: ATTRIBUTE_TYPE.FLOAT, f: value.float });
  }
  return create(AttributeSchema, { name, type: ATTRIBUTE_TYPE.INTS, ints: value.map(BigInt) });
}

/**
 * A node of the standard operator set, named after its first output, because node names must be unique in a
 * graph.
 */
export function makeNode(
  opType: string,
  input: string[],
  output: string[],
  attributes: Readonly<Record<string, AttributeValue>> = {},
): NodeProto {
  return create(NodeSchema, {
    opType,
    input,
    output,
    name: `goshawk/${output[0] ?? ''}`,
    attribute: Object.entries(attributes).map(([name, value]) => makeAttribute(name, value)),
  });
}

/** Sets a node's attribute, adding it if necessary. */
export function setAttribute(node: NodeProto, name: string, value: AttributeValue): void {
  node.attribute = [...node.attribute.filter((old) => old.name !== name), makeAttribute(name, value)];
}

/** A dense float tensor, row by row. */
export function makeFloatTensor(
  name: string,
  dims: readonly number[],
  values: ArrayLike<number>,
): TensorProto {
  const rawData = new Uint8Array(values.length * 4);
  const view = new DataView(rawData.buffer);
  for (let i = 0; i < values.length; i += 1) view.setFloat32(i * 4, values[i] ?? 0, true);
  return create(TensorSchema, { name, dims: dims.map(BigInt), dataType: DATA_TYPE.FLOAT, rawData });
}

/** A list of int64. */
export function makeInt64Tensor(name: string, values: readonly number[]): TensorProto {
  const rawData = new Uint8Array(values.length * 8);
  const view = new DataView(rawData.buffer);
  values.forEach((value, i) => view.setBigInt64(i * 8, BigInt(value), true));
  return create(TensorSchema, { name, dims: [BigInt(values.length)], dataType: DATA_TYPE.INT64, rawData });
}

/** One uint8 value without a shape. */
export function makeUint8Scalar(name: string, value: number): TensorProto {
  return create(TensorSchema, { name, dataType: DATA_TYPE.UINT8, rawData: Uint8Array.of(value) });
}

/**
 * An input or output; a string among the sizes names one that varies from run to run.
 * @param dims null if even their number is unknown until run time
 */
export function makeValueInfo(
  name: string,
  elemType: number,
  dims: readonly (number | string)[] | null,
): ValueInfoProto {
  const shape = { dim: (dims ?? []).map((dim) => ({ value: dimensionOf(dim) })) };
  const tensorType = dims === null ? { elemType } : { elemType, shape };
  return create(ValueInfoSchema, { name, type: { value: { case: 'tensorType', value: tensorType } } });
}

function dimensionOf(dim: number | string): DimensionProto['value'] {
  return typeof dim === 'number'
    ? { case: 'dimValue', value: BigInt(dim) }
    : { case: 'dimParam', value: dim };
}
