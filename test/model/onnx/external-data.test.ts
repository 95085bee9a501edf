import { create } from '@bufbuild/protobuf';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { createHash } from 'node:crypto';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { importModel } from '../../../src/device/authoring/import-model.ts';
import { externalFiles, inlineExternalData } from '../../../src/model/onnx/external-data.ts';
import { readModel, writeModel, type Model } from '../../../src/model/onnx/model.ts';
import { StringStringEntryProtoSchema } from '../../../src/model/onnx/generated/onnx-ml_pb.ts';
import { verifyBundle } from '../../../src/device/authoring/verify.ts';
import { foreignDetector } from '../../device/authoring/foreign-detector.ts';

let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'goshawk-external-'));
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** Moves weights of more than 64 bytes into files next to the model, round-robin, with a gap before each. */
function moveOut(model: Model, locations: readonly string[]): Map<string, Uint8Array> {
  const files = new Map(locations.map((location) => [location, new Uint8Array()]));
  let moved = 0;
  for (const tensor of model.graph.initializer) {
    if (tensor.rawData.byteLength < 64) continue;
    const location = locations[moved % locations.length]!;
    moved += 1;
    const before = files.get(location)!;
    const offset = before.byteLength + 16;
    const after = new Uint8Array(offset + tensor.rawData.byteLength);
    after.set(before);
    after.set(tensor.rawData, offset);
    files.set(location, after);
    const entries = { location, offset: String(offset), length: String(tensor.rawData.byteLength) };
    tensor.externalData = Object.entries(entries).map(([key, value]) =>
      create(StringStringEntryProtoSchema, { key, value }),
    );
    tensor.rawData = new Uint8Array();
    tensor.dataLocation = 1;
  }
  expect(moved).toBeGreaterThan(3);
  return files;
}

async function put(
  name: string,
  locations: readonly string[],
  change: (model: Model) => void = () => undefined,
) {
  const model = foreignDetector({ layout: 'channels' });
  const files = moveOut(model, locations);
  change(model);
  const home = join(folder, name);
  const file = join(home, 'model.onnx');
  await mkdir(home, { recursive: true });
  await writeFile(file, writeModel(model));
  for (const [location, bytes] of files) {
    await mkdir(dirname(join(home, location)), { recursive: true });
    await writeFile(join(home, location), bytes);
  }
  return { file, files };
}

const facts = { version: '1.0.0', labels: ['person', 'car'], tool: 'test' };

it('embeds weights from files next to the model', async () => {
  const { file, files } = await put('two', ['weights.bin', 'more/weights.bin']);
  const whole = join(folder, 'whole.onnx');
  await writeFile(whole, writeModel(foreignDetector({ layout: 'channels' })));
  const out = join(folder, 'models');
  const { bundle } = await importModel({ ...facts, file, out, name: 'external' });
  const inOne = await importModel({ ...facts, file: whole, out, name: 'whole' });
  expect(bundle.manifest.variants[0]?.sha256).toBe(inOne.bundle.manifest.variants[0]?.sha256);
  expect(bundle.manifest.parameters).toBe(inOne.bundle.manifest.parameters);
  expect(await verifyBundle(bundle)).toEqual([{ id: 'fp32', ran: true }]);
  const digests = [...files].map(([location, bytes]) => ({
    location,
    sha256: createHash('sha256').update(bytes).digest('hex'),
  }));
  expect(bundle.manifest.lineage.stages?.[0]?.['externalData']).toEqual(
    digests.sort((a, b) => (a.location < b.location ? -1 : 1)),
  );
});

it.each<[string, string, (model: Model) => void, RegExp]>([
  ['is not there', 'gone', (model) => rename(model, 'nowhere.bin'), /nowhere\.bin.*ENOENT/],
  ['lies above the model', 'above', (model) => rename(model, '../above.bin'), /outside the folder/],
  ['is named by an absolute path', 'absolute', (model) => rename(model, '/etc/passwd'), /outside the folder/],
  ['has no name', 'nameless', (model) => rename(model, ''), /outside the folder/],
  ['is a folder', 'dir', (model) => rename(model, '.'), /not a regular file/],
  ['is too short', 'short', (model) => set(model, 'offset', '9999999'), /byte 10\d+, but the file has/],
  ['has no such offset', 'negative', (model) => set(model, 'offset', '-4'), /byte/],
  ['holds another number of values', 'count', (model) => set(model, 'length', '8'), /but 8 are stated/],
])('refuses weights in a file that %s', async (_, name, change, words) => {
  const { file } = await put(name, ['weights.bin'], change);
  const model = readModel(await readFile(file), file);
  await expect(inlineExternalData(model, file)).rejects.toMatchObject({
    code: 'GOSHAWK_EXTERNAL_DATA',
    message: expect.stringMatching(words) as string,
  });
});

it('refuses a bundle whose graph refers to files outside it', async () => {
  const { file } = await put('kept', ['weights.bin']);
  const model = readModel(await readFile(file), file);
  expect(externalFiles(model)).toEqual(['weights.bin']);
  const { bundle } = await importModel({ ...facts, file, out: join(folder, 'models'), name: 'kept' });
  const graph = join(bundle.folder, 'model.onnx');
  const inside = readModel(await readFile(graph), graph);
  moveOut(inside, ['weights.bin']);
  const bytes = writeModel(inside);
  await writeFile(graph, bytes);
  bundle.manifest.variants[0]!.bytes = bytes.byteLength;
  await expect(verifyBundle(bundle)).rejects.toMatchObject({
    code: 'GOSHAWK_BUNDLE_INVALID',
    message: expect.stringContaining('weights.bin') as string,
  });
});

function set(model: Model, key: string, value: string): void {
  const tensor = model.graph.initializer.find(({ dataLocation }) => dataLocation === 1)!;
  tensor.externalData.find((pair) => pair.key === key)!.value = value;
}

function rename(model: Model, location: string): void {
  set(model, 'location', location);
}
