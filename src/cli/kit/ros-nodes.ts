import { fileURLToPath } from 'node:url';
import { entryUrl } from '../../platform/entry.ts';

/** The programs of the two nodes, as sources while this runs from sources. */
export function rosNodes(): { readonly camera: string; readonly detector: string } {
  const entry = (file: `${string}.ts`): string => fileURLToPath(entryUrl(import.meta.url, file));
  return { camera: entry('../../ros/nodes/camera.ts'), detector: entry('../../ros/nodes/detector.ts') };
}
