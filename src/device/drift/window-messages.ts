import { MAX_DRIFT_BYTES, MAX_DRIFT_CAMERAS } from '../../contract/telemetry/drift.ts';
import type { StreamBody } from '../../contract/telemetry/streams.ts';

type DriftBody = StreamBody<'drift'>;
type Camera = DriftBody['cameras'][number];

/** Classes of a camera that are counted by name: those with the most boxes. The others are counted together. */
const MAX_CLASSES = 512;
const OTHERS = '(others)';

/** A window as the messages that it takes: several if it has more cameras, or bytes, than one may have. */
export function messagesOf(window: DriftBody): DriftBody[] {
  const groups: Camera[][] = [[]];
  let bytes = 0;
  for (const camera of window.cameras) {
    const bounded = { ...camera, classes: boundedClasses(camera.classes) };
    const more = Buffer.byteLength(JSON.stringify(bounded));
    const newest = groups.at(-1)!;
    const isFull = newest.length === MAX_DRIFT_CAMERAS || bytes + more > MAX_DRIFT_BYTES;
    if (newest.length > 0 && isFull) {
      groups.push([bounded]);
      bytes = more;
    } else {
      newest.push(bounded);
      bytes += more;
    }
  }
  return groups.map((cameras) => ({ ...window, cameras }));
}

function boundedClasses(classes: Camera['classes']): Camera['classes'] {
  const entries = Object.entries(classes);
  if (entries.length <= MAX_CLASSES) return classes;
  const sorted = entries.filter(([label]) => label !== OTHERS).sort(([, a], [, b]) => b - a);
  const others = sorted.slice(MAX_CLASSES).reduce((sum, [, count]) => sum + count, classes[OTHERS] ?? 0);
  return Object.fromEntries([...sorted.slice(0, MAX_CLASSES), [OTHERS, others]]);
}
