import { z } from 'zod';
import { lineSchema, linesSchema } from './text.ts';

const labelKeySchema = z.string().regex(/^[\w.-]{1,32}$/, 'a key is 1 to 32 of A-Z a-z 0-9 _ . -');
const labelSchema = lineSchema.max(64);
const MAX_LABELS = 32;

/** What operators keep about a robot. It is theirs: nothing of it comes from the robot, or goes to it. */
export const robotSettingsSchema = z.strictObject({
  note: linesSchema.max(1_000),
  labels: z.record(labelKeySchema, labelSchema),
  /** until then its trouble is known, and nobody needs to look */
  mutedUntil: z.iso.datetime().nullable(),
});

/**
 * A JSON Merge Patch (RFC 7396) of the settings: what is absent stays as it is, a label that is null goes.
 */
export const settingsChangeSchema = z.strictObject({
  note: robotSettingsSchema.shape.note.optional(),
  labels: z.record(labelKeySchema, labelSchema.nullable()).optional(),
  mutedUntil: robotSettingsSchema.shape.mutedUntil.optional(),
});

export type RobotSettings = z.infer<typeof robotSettingsSchema>;
export type SettingsChange = z.infer<typeof settingsChangeSchema>;

export const NO_SETTINGS: RobotSettings = { note: '', labels: {}, mutedUntil: null };

/** Settings after a change; null if there were too many labels then. */
export function changeSettings(settings: RobotSettings, change: SettingsChange): RobotSettings | null {
  const labels = Object.entries({ ...settings.labels, ...change.labels }).filter(
    (label): label is [string, string] => label[1] !== null,
  );
  if (labels.length > MAX_LABELS) return null;
  return {
    note: change.note ?? settings.note,
    labels: Object.fromEntries(labels),
    mutedUntil: change.mutedUntil === undefined ? settings.mutedUntil : change.mutedUntil,
  };
}
