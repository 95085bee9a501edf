import { basename } from 'node:path';

/** Bundle name derived from the source file: `YOLOX Nano.onnx` becomes `yolox-nano`. */
export function bundleNameFrom(file: string): string {
  const stem = basename(file)
    .replace(/\.[^.]*$/, '')
    .toLowerCase();
  const name = stem.replace(/[^a-z0-9._-]+/g, '-').replace(/^[^a-z0-9]+/, '');
  return name.slice(0, 100) || 'model';
}
