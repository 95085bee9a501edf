import { DATA_LOCATION, DATA_TYPE, type NodeProto, type TensorProto } from './schema.ts';

/** Number of elements of a tensor; 1 for a scalar. */
export function elementCount(tensor: TensorProto): number {
  return tensor.dims.reduce((product, dim) => product * Number(dim), 1);
}

/** A copy of the values of a float tensor; null for other types and for external data. */
export function readFloats(tensor: TensorProto): Float32Array | null {
  if (tensor.dataType !== DATA_TYPE.FLOAT || tensor.dataLocation === DATA_LOCATION.EXTERNAL) return null;
  if (tensor.floatData.length > 0) return Float32Array.from(tensor.floatData);
  return read(tensor, 4, Float32Array, (view, at) => view.getFloat32(at, true));
}

/** Values of an int8, uint8, int32 or int64 tensor as numbers; null for other types and for external data. */
export function readIntegers(tensor: TensorProto): Float64Array | null {
  if (tensor.dataLocation === DATA_LOCATION.EXTERNAL) return null;
  if (tensor.dataType === DATA_TYPE.INT8 || tensor.dataType === DATA_TYPE.UINT8) {
    // without raw bytes, the format stores small integers in the list of 32-bit ones
    if (tensor.int32Data.length > 0) return Float64Array.from(tensor.int32Data);
    const signed = tensor.dataType === DATA_TYPE.INT8;
    return read(tensor, 1, Float64Array, (view, at) => (signed ? view.getInt8(at) : view.getUint8(at)));
  }
  if (tensor.dataType === DATA_TYPE.INT64) {
    if (tensor.int64Data.length > 0) return Float64Array.from(tensor.int64Data, Number);
    return read(tensor, 8, Float64Array, (view, at) => Number(view.getBigInt64(at, true)));
  }
  if (tensor.dataType === DATA_TYPE.INT32) {
    if (tensor.int32Data.length > 0) return Float64Array.from(tensor.int32Data);
    return read(tensor, 4, Float64Array, (view, at) => view.getInt32(at, true));
  }
  return null;
}

function read<T extends Float32Array | Float64Array>(
  tensor: TensorProto,
  width: number,
  Values: new (length: number) => T,
  get: (view: DataView, at: number) => number,
): T | null {
  const { rawData } = tensor;
  const count = elementCount(tensor);
  if (rawData.byteLength !== count * width) return null;
  const view = new DataView(rawData.buffer, rawData.byteOffset, rawData.byteLength);
  const values = new Values(count);
  for (let i = 0; i < count; i += 1) values[i] = get(view, i * width);
  return values;
}

/** Replaces the values of a float tensor, keeping its shape. */
export function writeFloats(tensor: TensorProto, values: Float32Array): void {
  const rawData = new Uint8Array(values.length * 4);
  const view = new DataView(rawData.buffer);
  for (let i = 0; i < values.length; i += 1) view.setFloat32(i * 4, values[i] ?? 0, true);
  tensor.floatData = [];
  tensor.rawData = rawData;
}

/** An integer attribute; `fallback` if the node does not have it. */
export function intAttribute(node: NodeProto, name: string, fallback: number): number {
  const found = node.attribute.find((attribute) => attribute.name === name);
  return found === undefined ? fallback : Number(found.i);
}

/** A list attribute; empty if the node does not have it. */
export function intsAttribute(node: NodeProto, name: string): number[] {
  return node.attribute.find((attribute) => attribute.name === name)?.ints.map(Number) ?? [];
}
