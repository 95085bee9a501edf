import { z } from 'zod';

/** What a kind of number counts or measures, and what it cannot be below or above. */
interface Quantity {
  /** in words, as it stands in the AsyncAPI document */
  readonly unit: string;
  readonly min: number;
  readonly max: number;
  readonly isWhole: boolean;
}

const whole = (unit: string, max = Number.MAX_SAFE_INTEGER): Quantity => ({
  unit,
  min: 0,
  max,
  isWhole: true,
});
const real = (unit: string, min: number, max: number): Quantity => ({ unit, min, max, isWhole: false });

const PEBIBYTE = 2 ** 50;
const DAY_MS = 86_400_000;
const CENTURY_SECONDS = 3.2e9;

/**
 * Every kind of number in the messages of a robot. A range is what the thing itself allows, not what is usual: what is
 * outside is a fault of whoever made it. Ranges never become narrower within a version of the topics, since messages
 * wait for weeks on a robot and stay in a quarantine for longer.
 */
const QUANTITIES = {
  // whole numbers without an end of their own: as far as a JSON number counts exactly
  message: whole('number of a message'),
  frame: whole('number of a frame'),
  version: whole('version number'),
  bin: whole('index of a bin'),
  boots: whole('boots'),
  events: whole('events'),
  frames: whole('frames'),
  boxes: whole('boxes'),
  objects: whole('objects'),
  inputs: whole('inputs'),
  values: whole('values'),
  steps: whole('steps of the resolution of the feature'),
  millionths: whole('millionths'),
  bytes: whole('bytes', PEBIBYTE),
  ratio: real('ratio', 0, 1),
  framesPerSecond: real('frames per second', 0, 10_000),
  milliseconds: real('milliseconds', 0, DAY_MS),
  // the latencies of all frames of a window, and of windows that were merged
  totalMilliseconds: real('milliseconds', 0, 1e15),
  seconds: real('seconds', 0, CENTURY_SECONDS),
  // from any year that ISO 8601 writes with four digits to any other
  clockStep: real('seconds', -100 * CENTURY_SECONDS, 100 * CENTURY_SECONDS),
  celsius: real('degrees Celsius', -100, 200),
  watts: real('watts', 0, 100_000),
  hertz: real('hertz', 0, 1e11),
  cores: real('cores', 0, 10_000),
  // outputs against those of a reference: 0 is equal, 1 nothing in common, more is what the reference has not at all
  deviation: real('share of the reference', 0, 1e6),
  evidence: real('share of what an alarm needs', 0, 1e9),
  // of a feature without a highest value, the deviation of which is not below 0.0001
  feature: real('unit of the feature', -1e9, 1e9),
  sigmas: real('standard deviations', -1e13, 1e13),
  distance: real('standard deviations', 0, 1e13),
  // with shares of 0.0001 at least: 19
  stability: real('population stability index', 0, 100),
  named: real('unit in the name of the value', -1e15, 1e15),
} as const satisfies Readonly<Record<string, Quantity>>;

export type QuantityName = keyof typeof QUANTITIES;

const rowOf = (name: QuantityName): Quantity => QUANTITIES[name];

/** Schema of a number of this kind: its range, and its unit as description. */
export function quantity(name: QuantityName): z.ZodNumber {
  const { unit, min, max, isWhole } = rowOf(name);
  const number: z.ZodNumber = isWhole ? z.int() : z.number();
  return number.min(min).max(max).describe(unit);
}

/** The range of this kind in words: `0 to 1 (ratio)`. */
export function rangeText(name: QuantityName): string {
  const { unit, min, max } = rowOf(name);
  return `${String(min)} to ${String(max)} (${unit})`;
}

/** Whether a number may be sent as one of this kind. */
export function isQuantity(name: QuantityName, value: number): boolean {
  const { min, max, isWhole } = rowOf(name);
  return value >= min && value <= max && (!isWhole || Number.isInteger(value));
}

/** The number, or the end of the range that it is beyond. NaN stays NaN, which no schema takes. */
export function withinRange(name: QuantityName, value: number): number {
  const { min, max } = rowOf(name);
  return Math.min(max, Math.max(min, value));
}
