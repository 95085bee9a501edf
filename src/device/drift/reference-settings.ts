import type { DriftReferenceSettings } from '../../contract/drift-reference.ts';
import { GoshawkError } from '../../contract/errors.ts';
import { LIMIT_PARAMETERS } from '../../contract/limit-parameters.ts';
import type { Limits } from '../pipeline/limit-table.ts';
import type { RunSettings } from '../pipeline/run-settings.ts';
import type { OpenReference } from './open-reference.ts';

type LimitName = keyof Limits;

const LIMITS = Object.keys(LIMIT_PARAMETERS) as LimitName[];

/** What of a reference cannot be compared with a detector that runs otherwise. */
export interface SettingsMismatch {
  /** boxes, and the likeness to known changes as far as boxes say it */
  readonly boxes: boolean;
  /** agreement of suppression, which estimates of accuracy compare */
  readonly suppression: boolean;
  readonly tracks: boolean;
  /** says all of it */
  readonly error: GoshawkError;
}

/** The settings that a reference states. @param tracking null for images */
export function settingsOf(limits: Limits, tracking: boolean | null): DriftReferenceSettings {
  return { ...limits, tracking, class_filter: [...limits.class_filter].sort() };
}

/** How a detector runs otherwise than the one that made a reference; null if it runs alike. */
export function settingsMismatch(
  { file, reference: { settings: made } }: OpenReference,
  { limits, tracking }: RunSettings,
): SettingsMismatch | null {
  const runs = settingsOf(limits, tracking);
  const other = LIMITS.filter((name) => String(made[name]) !== String(runs[name]));
  const tracks = made.tracking !== null && made.tracking !== runs.tracking;
  if (other.length === 0 && !tracks) return null;
  const names = [...other, ...(tracks ? (['tracking'] as const) : [])];
  const what = [...(other.length > 0 ? ['boxes'] : []), ...(tracks ? ['tracks'] : [])].join(' and ');
  const expected = names.map((name) => wordsOf(name, made)).join(', ');
  const actual = names.map((name) => wordsOf(name, runs)).join(', ');
  return {
    boxes: other.length > 0,
    suppression: other.includes('iou_threshold') || other.includes('class_filter'),
    tracks,
    error: new GoshawkError('GOSHAWK_DRIFT_REFERENCE_SETTINGS', { file, expected, actual, what }),
  };
}

function wordsOf(name: LimitName | 'tracking', settings: DriftReferenceSettings): string {
  const value = settings[name];
  if (typeof value === 'boolean') return `${name} ${value ? 'on' : 'off'}`;
  return `${name} ${Array.isArray(value) ? (value.length === 0 ? 'all' : value.join(' ')) : String(value)}`;
}
