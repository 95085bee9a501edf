import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { CLIP_PRIVACY } from '../../contract/clips.ts';
import { systemClock } from '../../platform/clock.ts';
import { definePart } from '../runtime/part.ts';
import { Capture } from './capture.ts';

const MIB = 1 << 20;

/** Keeps evidence of what happened, as clips. Starts after telemetry, which carries what it offers. */
export const CAPTURE = definePart({
  parameters: {
    capture_dir: {
      kind: 'string',
      default: '',
      read: 'start',
      description: 'Folder for clips of this detector alone. Empty: no clips, and no frames are kept.',
      option: { flags: '--capture-dir <dir>', description: 'record clips of what happens in this folder' },
    },
    capture_budget_mb: {
      kind: 'int',
      default: 1024,
      min: 1,
      max: 1_000_000,
      read: 'start',
      description: 'MiB of clips on the disk: the oldest make room for new ones, except for protected ones.',
      option: { flags: '--capture-budget-mb <n>', description: 'MiB of clips on the disk' },
    },
    capture_ring_mb: {
      kind: 'int',
      default: 128,
      min: 1,
      max: 16_384,
      read: 'start',
      description: 'MiB of memory for the newest frames of all cameras; a raw frame of 1280x720 has 2.6.',
      option: { flags: '--capture-ring-mb <n>', description: 'MiB of memory for the newest frames' },
    },
    capture_before_s: {
      kind: 'double',
      default: 5,
      min: 0,
      max: 120,
      read: 'start',
      description: 'Seconds before its cause that a clip has, if they fit into capture_ring_mb.',
      option: { flags: '--capture-before-s <n>', description: 'seconds before its cause in a clip' },
    },
    capture_after_s: {
      kind: 'double',
      default: 5,
      min: 0,
      max: 600,
      read: 'start',
      description: 'Seconds after its cause that a clip has.',
      option: { flags: '--capture-after-s <n>', description: 'seconds after its cause in a clip' },
    },
    capture_rate: {
      kind: 'double',
      default: 5,
      min: 0.01,
      max: 1000,
      read: 'start',
      description: 'Frames per second of a camera that are kept, at most.',
      option: { flags: '--capture-rate <hz>', description: 'frames per second of a camera in a clip' },
    },
    capture_clips_per_hour: {
      kind: 'int',
      default: 12,
      min: 1,
      max: 3600,
      read: 'start',
      description: 'Clips in an hour, at most, whatever asks for them.',
      option: { flags: '--capture-clips-per-hour <n>', description: 'clips in an hour, at most' },
    },
    capture_privacy: {
      kind: 'string',
      default: 'none',
      oneOf: CLIP_PRIVACY,
      read: 'start',
      description:
        'What becomes of pixels in clips. none: images as they are. blur: published boxes are blurred, and nothing ' +
        'else. no-pixels: no images at all.',
      option: { flags: '--capture-privacy <how>', description: 'what becomes of pixels in clips' },
    },
    capture_put_hosts: {
      kind: 'string[]',
      separator: ',',
      default: [],
      read: 'start',
      description:
        'Hosts, with or without a port, at which the fleet may have clips put by a URL: storage.example. Empty: none.',
      option: { flags: '--capture-put-host <host>', description: 'where clips may be put (repeatable)' },
    },
    capture_low_confidence: {
      kind: 'double',
      default: 0,
      min: 0,
      max: 1,
      read: 'start',
      description:
        'A clip when the mean score of a camera over 5 s, of 20 boxes or more, is below this. 0: never.',
      option: {
        flags: '--capture-low-confidence <score>',
        description: 'a clip when scores fall below this',
      },
    },
    capture_disagreement: {
      kind: 'double',
      default: 0,
      min: 0,
      max: 1,
      read: 'start',
      description:
        'A clip when R, the share of overlapping boxes that confident ones suppressed, is below this over 5 s, of 20 ' +
        'boxes or more. 0: never.',
      option: {
        flags: '--capture-disagreement <share>',
        description: 'a clip when boxes that overlap agree less than this',
      },
    },
    capture_rare_classes: {
      kind: 'string[]',
      separator: ',',
      default: [],
      read: 'start',
      description: 'Labels of which a clip is recorded when one is in three frames in a row.',
      option: { flags: '--capture-rare-class <label>', description: 'a clip when it appears (repeatable)' },
    },
  },
  example: { capture_dir: join(tmpdir(), 'goshawk-clips') },
  create: (values, context) => {
    if (values.capture_dir.trim() === '') return null;
    const options = {
      folder: values.capture_dir,
      budgetBytes: values.capture_budget_mb * MIB,
      ringBytes: values.capture_ring_mb * MIB,
      beforeMs: values.capture_before_s * 1000,
      afterMs: values.capture_after_s * 1000,
      periodMs: 1000 / values.capture_rate,
      clipsPerHour: values.capture_clips_per_hour,
      privacy: values.capture_privacy,
      putHosts: values.capture_put_hosts,
      rules: {
        lowConfidence: values.capture_low_confidence,
        disagreement: values.capture_disagreement,
        rareClasses: values.capture_rare_classes,
      },
    };
    return new Capture(options, context, systemClock);
  },
});
