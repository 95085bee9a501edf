import { isQuantity, type QuantityName } from '../../contract/quantities.ts';
import type { NoteOutOfRange, OutOfRange } from '../runtime/out-of-range.ts';

/** Something that was read of the machine. */
type Reading = Omit<OutOfRange, 'reason'>;

/** A reading. @param what words for the log */
export function reading(
  quantity: QuantityName,
  value: number,
  what: string,
  ...fields: OutOfRange['fields']
): Reading {
  return { quantity, value, what, fields };
}

/** Whether it is in its range. It is left out if it is not, which is noted. */
export function isFit(found: Reading, note: NoteOutOfRange): boolean {
  const isWithin = isQuantity(found.quantity, found.value);
  if (!isWithin) note({ ...found, reason: 'omitted' });
  return isWithin;
}

type SizeName = 'diskFreeBytes' | 'diskTotalBytes' | 'memoryTotalBytes' | 'memoryUsedBytes';

/** Whether all are in their range. Sizes that belong together are left out together. */
export function areFit(sizes: Readonly<Partial<Record<SizeName, number>>>, note: NoteOutOfRange): boolean {
  const named = Object.entries(sizes) as [SizeName, number][];
  const fields = named.map(([name]) => `host.${name}` as const);
  const wrong = named.find(([, size]) => !isQuantity('bytes', size));
  return wrong === undefined || isFit(reading('bytes', wrong[1], wrong[0], ...fields), note);
}
