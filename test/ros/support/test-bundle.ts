import { mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { importModel } from '../../../src/device/authoring/import-model.ts';
import { COCO80 } from '../../../src/core/coco-labels.ts';
import { SHARED } from '../../support/needs.ts';

const MODEL = join(SHARED, 'models/yolox_nano_416.onnx');
const PICTURES = join(SHARED, 'coco-mini/val');

/** A folder with YOLOX-nano as a bundle; needs `YOLOX`. */
export async function importYolox(): Promise<string> {
  const out = mkdtempSync(join(tmpdir(), 'goshawk-ros-models-'));
  const { bundle } = await importModel({
    file: MODEL,
    out,
    name: 'yolox-nano',
    version: '1.0.0',
    labels: COCO80,
    tool: 'test',
    createdAt: '2026-01-01T00:00:00.000Z',
  });
  return bundle.folder;
}

/** A photograph with people in it; needs `YOLOX`. */
export function somePhotograph(): string {
  return join(PICTURES, readdirSync(PICTURES).sort()[3]!);
}
