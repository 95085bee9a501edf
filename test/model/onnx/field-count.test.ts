import { expect, it } from 'vitest';
import { checkFields } from '../../../src/model/onnx/field-count.ts';
import { readModel } from '../../../src/model/onnx/model.ts';
import { foreignBytes } from '../../device/authoring/foreign-detector.ts';

function varint(value: number): number[] {
  const bytes: number[] = [];
  for (let left = value; ; left = Math.floor(left / 128)) {
    if (left < 128) return [...bytes, left];
    bytes.push((left % 128) + 128);
  }
}

/** A length-delimited field. */
function field(number: number, content: Uint8Array): Uint8Array {
  const head = [...varint(number * 8 + 2), ...varint(content.byteLength)];
  const bytes = new Uint8Array(head.length + content.byteLength);
  bytes.set(head);
  bytes.set(content, head.length);
  return bytes;
}

const GRAPH = 7;

/** Two bytes each: empty fields. */
function emptyFields(number: number, count: number): Uint8Array {
  const bytes = new Uint8Array(2 * count);
  for (let i = 0; i < count; i += 1) bytes[2 * i] = number * 8 + 2;
  return bytes;
}

it.each<[string, Uint8Array]>([
  ['nodes', field(GRAPH, emptyFields(1, 1_500_000))],
  ['initializers', field(GRAPH, emptyFields(5, 1_500_000))],
  ['inputs of one node', field(GRAPH, field(1, emptyFields(1, 1_500_000)))],
  ['fields that nobody knows', field(GRAPH, emptyFields(15, 1_500_000))],
  ['64-bit integers of one tensor', field(GRAPH, field(5, field(7, new Uint8Array(12_000_000))))],
])('refuses a file of a million %s before parsing it', (_, bytes) => {
  expect(() => readModel(bytes, 'many.onnx')).toThrow(/many\.onnx.*more than 1000000 fields/);
});

it('refuses deeply nested bodies before they exhaust the stack', () => {
  let body = new Uint8Array();
  // a graph in an attribute in a node
  for (let level = 0; level < 2000; level += 1) body = field(1, field(5, field(6, body))) as typeof body;
  expect(() => readModel(field(GRAPH, body), 'deep.onnx')).toThrow(/nested deeper/);
});

it('accepts detectors with large tensors', () => {
  expect(() => checkFields(foreignBytes({ layout: 'nms' }))).not.toThrow();
  const floats = field(GRAPH, field(5, field(9, new Uint8Array(8_000_000))));
  expect(() => checkFields(floats)).not.toThrow();
});

it.each([1, 10, 100])('reports a file without its last %d bytes as cut short', (missing) => {
  const bytes = foreignBytes({ layout: 'channels' });
  expect(() => checkFields(bytes.subarray(0, bytes.byteLength - missing))).toThrow('cut short');
});
