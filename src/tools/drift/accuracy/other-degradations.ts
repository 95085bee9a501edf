import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { GoshawkError } from '../../../contract/errors.ts';
import type { Conditions } from '../../../sim/drawing/conditions.ts';
import { readRgb } from './dataset-pictures.ts';
import type { Degradation } from './degrade.ts';
import type { LabeledPictures } from './labeled-pictures.ts';

/** What the simulator can change, from weak to strong; light as a share of the mix's own. */
const WEATHER = {
  light: [0.6, 0.4, 0.25, 0.15, 0.08],
  fog: [0.1, 0.25, 0.45, 0.65, 0.9],
  rain: [0.15, 0.3, 0.5, 0.75, 1],
  blur: [0.15, 0.3, 0.5, 0.75, 1],
  noise: [0.2, 0.35, 0.5, 0.75, 1],
  dirt: [0.2, 0.4, 0.6, 0.8, 1],
} as const satisfies Partial<Record<keyof Conditions, readonly number[]>>;

type Weather = keyof typeof WEATHER;

/** Weather and sensor of the simulator itself, which draws the same scenes anew. */
export function weather({ redraw, mix }: LabeledPictures): Degradation[] {
  if (redraw === undefined)
    throw new GoshawkError('GOSHAWK_USAGE', {
      reason: `${mix}: only the simulator can draw pictures in other weather`,
    });
  return (Object.entries(WEATHER) as [Weather, readonly number[]][]).flatMap(([name, values]) =>
    values.map((value, i) => ({
      corruption: name,
      strength: i + 1,
      read: (_pictures, index) =>
        Promise.resolve(
          redraw(index, (own) => ({ ...own, [name]: name === 'light' ? own.light * value : value })),
        ),
    })),
  );
}

/**
 * Degraded copies that another tool made: `<folder>/<corruption>/<strength>/<file>`, the files named as the pictures.
 * @throws GoshawkError GOSHAWK_FILE_UNREADABLE, GOSHAWK_FILE_INVALID for a folder of another name
 */
export async function degradedCopies(
  { names = [] }: LabeledPictures,
  folder: string,
): Promise<Degradation[]> {
  const made: Degradation[] = [];
  for (const corruption of await foldersIn(folder)) {
    for (const strength of await foldersIn(join(folder, corruption))) {
      const place = join(folder, corruption, strength);
      made.push({
        corruption,
        strength: strengthOf(place, strength),
        read: (_pictures, index) => readRgb(join(place, names[index]!)),
      });
    }
  }
  return made;
}

function strengthOf(file: string, name: string): number {
  if (/^[1-9]\d{0,3}$/.test(name)) return Number(name);
  throw new GoshawkError('GOSHAWK_FILE_INVALID', {
    file,
    reason: 'folders of degraded pictures are DIR/CORRUPTION/STRENGTH, and strengths whole numbers from 1 on',
  });
}

async function foldersIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    const reason = error instanceof Error ? error.message : String(error);
    throw new GoshawkError('GOSHAWK_FILE_UNREADABLE', { file: folder, reason }, { cause: error });
  });
  return entries
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
}
