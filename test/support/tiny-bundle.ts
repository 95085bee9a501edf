import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { importModel } from '../../src/device/bundles/import-model.ts';
import { tinyDetector } from '../device/bundles/tiny-detector.ts';

/**
 * Imports a small detector that has learned nothing: enough for tests of everything around the model.
 * @returns the bundle's folder
 */
export async function writeTinyBundle(folder: string): Promise<string> {
  mkdirSync(folder, { recursive: true });
  const file = join(folder, 'tiny.onnx');
  writeFileSync(file, tinyDetector({ head: 'yolox', classes: 3 }));
  await importModel({
    file,
    out: folder,
    name: 'tiny',
    version: '1.0.0',
    labels: ['person', 'car', 'truck'],
    tool: 'test',
    createdAt: '2026-01-01T00:00:00.000Z',
  });
  return join(folder, 'tiny', '1.0.0');
}
