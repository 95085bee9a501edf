import { z } from 'zod';
import { sha256Schema } from './lineage.ts';
import { nameSchema } from './names.ts';
import { quantity } from './quantities.ts';

/** Why a clip was recorded. Readers accept reasons that they do not know. */
export const CLIP_REASONS = [
  'manual',
  'drift',
  'low_confidence',
  'rare_class',
  'disagreement',
  'policy',
] as const;

export type ClipReason = (typeof CLIP_REASONS)[number];

/** What becomes of the pixels of a clip. */
export const CLIP_PRIVACY = ['none', 'blur', 'no-pixels'] as const;

export type ClipPrivacy = (typeof CLIP_PRIVACY)[number];

/** Name of a clip, and of its file without the suffix: never a path. */
export const clipIdSchema = z
  .string()
  .max(80)
  .regex(/^[0-9A-Za-z][0-9A-Za-z_-]*$/);

/** Bytes of a clip that a robot may offer: at 64 KiB a second, 18 hours. */
export const MAX_CLIP_BYTES = 4 * 1024 ** 3;

/** Cameras in one clip, at most. */
export const MAX_CLIP_CAMERAS = 256;

/** A clip: an MCAP file of seconds around something that happened. */
export const clipSchema = z.object({
  clip: clipIdSchema,
  reason: nameSchema,
  /** in words */
  text: z.string().max(500),
  cameras: z.array(z.string().max(256)).min(1).max(MAX_CLIP_CAMERAS),
  /** receive times of its first and last frame */
  start: z.iso.datetime({ precision: 3 }),
  end: z.iso.datetime({ precision: 3 }),
  /** recorded, and left out since the disk or the processor could not keep up */
  frames: quantity('frames'),
  missed: quantity('frames'),
  /** of the file */
  bytes: quantity('bytes').max(MAX_CLIP_BYTES),
  sha256: sha256Schema,
  bundle: z.object({ name: z.string(), version: z.string(), digest: z.string() }).nullable(),
  privacy: z.enum(CLIP_PRIVACY),
  /** false for a file that a power cut or a full disk ended early: readable up to there */
  complete: z.boolean(),
});

export type Clip = z.infer<typeof clipSchema>;

/** What is beside a clip on the robot's disk. */
export const clipRecordSchema = z.object({
  schema: z.literal('goshawk.clip/1'),
  ...clipSchema.shape,
  /** never removed to make room for others */
  isProtected: z.boolean(),
});

export type ClipRecord = z.infer<typeof clipRecordSchema>;

/** What asks for a clip. */
export interface ClipTrigger {
  readonly reason: ClipReason;
  /** in words, at most 500 characters */
  readonly text: string;
  /** null for all */
  readonly camera: string | null;
  readonly isProtected: boolean;
}

/** A request for a clip by a command on the same machine: a file in the folder of requests. */
export const captureRequestSchema = z.strictObject({
  text: z.string().max(500),
  camera: z.string().max(256).nullable(),
  isProtected: z.boolean(),
});

export type CaptureRequest = z.infer<typeof captureRequestSchema>;

/** The answer, beside the request: the clip that is being recorded, or why there is none. */
export const captureAnswerSchema = z.union([
  z.strictObject({ clip: clipIdSchema }),
  z.strictObject({ code: z.string(), reason: z.string() }),
]);

export type CaptureAnswer = z.infer<typeof captureAnswerSchema>;
