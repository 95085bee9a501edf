import { create } from '@bufbuild/protobuf';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { importModel, type ImportOptions } from '../../../src/device/authoring/import-model.ts';
import { readMetadata } from '../../../src/model/onnx/metadata.ts';
import { tensorTypeOf, writeModel } from '../../../src/model/onnx/model.ts';
import { StringStringEntryProtoSchema } from '../../../src/model/onnx/generated/onnx-ml_pb.ts';
import { foreignDetector } from './foreign-detector.ts';

let folder = '';
let imports = 0;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'goshawk-metadata-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** In the form that Ultralytics writes. */
const ULTRALYTICS = {
  author: 'Ultralytics',
  task: 'detect',
  stride: '32',
  batch: '1',
  imgsz: '[64, 64]',
  names: `{0: 'person', 1: "driver's cab"}`,
  end2end: 'False',
};

function model(metadata: Readonly<Record<string, string>>, isOpen = false) {
  const made = foreignDetector({ layout: 'channels', classes: 2 });
  made.metadataProps = Object.entries(metadata).map(([key, value]) =>
    create(StringStringEntryProtoSchema, { key, value }),
  );
  if (isOpen) {
    const { dim } = tensorTypeOf(made.graph.input[0]!)!.shape!;
    for (const axis of [2, 3]) dim[axis]!.value = { case: 'dimParam', value: `size${axis}` };
  }
  return made;
}

async function imported(
  metadata: Readonly<Record<string, string>>,
  changes: Partial<ImportOptions> = {},
  isOpen = false,
) {
  imports += 1;
  const name = `model${imports}`;
  const file = join(folder, `${name}.onnx`);
  await writeFile(file, writeModel(model(metadata, isOpen)));
  return importModel({ file, out: join(folder, 'models'), name, version: '1.0.0', tool: 'test', ...changes });
}

describe('metadata of an exporter', () => {
  it('names the classes', async () => {
    const { bundle, notes } = await imported(ULTRALYTICS);
    expect(bundle.manifest.labels).toEqual(['person', "driver's cab"]);
    expect(notes.filter((note) => note.includes('names'))).toEqual([]);
  });

  it.each([
    [
      'a dict with quotes of both kinds',
      `{0: 'a, 1', 1: "it's", 2: 'say \\'x\\''}`,
      ['a, 1', "it's", "say 'x'"],
    ],
    ['keys in another order', `{1: 'b', 0: 'a'}`, ['a', 'b']],
    ['a list', `['a', "b"]`, ['a', 'b']],
    ['a missing key', `{0: 'a', 2: 'c'}`, null],
    ['no names', 'None', null],
  ])('names in %s', (_, names, expected) => {
    expect(readMetadata(model({ names })).labels).toEqual(expected);
  });

  it('contains sizes as height and width, and one or several strides', () => {
    expect(readMetadata(model({ imgsz: '[384, 640]', stride: '[8, 16, 32]' }))).toMatchObject({
      size: { width: 640, height: 384 },
      stride: 32,
    });
  });

  it('sets a size that the graph leaves open', async () => {
    const { bundle } = await imported(ULTRALYTICS, {}, true);
    expect(bundle.manifest.input).toMatchObject({ width: 64, height: 64 });
  });

  it('leads to a note if the given names differ', async () => {
    const { bundle, notes } = await imported(ULTRALYTICS, { labels: ['human', "driver's cab"] });
    expect(bundle.manifest.labels[0]).toBe('human');
    expect(notes).toContainEqual(expect.stringContaining('"person" is "human"'));
  });

  it.each(['pose', 'obb', 'segment', 'classify'])('is refused for the task %s, by name', async (task) => {
    await expect(imported({ ...ULTRALYTICS, task })).rejects.toMatchObject({
      code: 'GOSHAWK_NOT_A_DETECTOR',
      message: expect.stringContaining(`the task "${task}"`) as string,
    });
  });

  it.each<[string, Partial<ImportOptions>, Partial<typeof ULTRALYTICS>, string, string]>([
    [
      'labels in another order',
      { labels: ["driver's cab", 'person'] },
      {},
      'GOSHAWK_USAGE',
      'class 0 is "person"',
    ],
    ['more labels', { labels: ['a', 'b', 'c'] }, {}, 'GOSHAWK_LABELS_MISMATCH', '3 labels'],
    [
      'names that are not as many as the classes',
      {},
      { names: "{0: 'a'}" },
      'GOSHAWK_LABELS_MISMATCH',
      '1 labels',
    ],
    ['a size that is not a multiple of the stride', {}, { stride: '48' }, 'GOSHAWK_USAGE', 'multiples of 48'],
    ['no names at all', {}, { names: '' }, 'GOSHAWK_USAGE', 'does not name its 2 classes'],
  ])('is refused for %s', async (_, changes, metadata, code, words) => {
    await expect(imported({ ...ULTRALYTICS, ...metadata }, changes)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(words) as string,
    });
  });

  it('numbers unnamed classes on request, with a note', async () => {
    const { bundle, notes } = await imported({}, { unnamed: 'numbered' });
    expect(bundle.manifest.labels).toEqual(['class0', 'class1']);
    expect(notes).toContainEqual(expect.stringContaining('its 2 classes are unnamed'));
  });
});
