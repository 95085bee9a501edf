import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bundle } from '../../src/model/bundle.ts';
import { importModel } from '../../src/device/authoring/import-model.ts';
import { tinyDetector } from '../device/authoring/tiny-detector.ts';

/**
 * Imports a small untrained detector of two classes that returns NaN for black images: enough for tests of everything
 * around the model. It takes batches of any size.
 * @param folder created if it does not exist
 */
export async function writeTinyBundle(folder: string, version = '1.0.0'): Promise<Bundle> {
  await mkdir(folder, { recursive: true });
  const file = join(folder, 'tiny.onnx');
  await writeFile(file, tinyDetector({ head: 'yolox', classes: 2, batch: 'n', nanOnBlack: true }));
  const { bundle } = await importModel({
    file,
    out: folder,
    name: 'tiny',
    version,
    labels: ['person', 'car'],
    tool: 'test',
    createdAt: '2026-01-02T03:04:05.000Z',
  });
  return bundle;
}
