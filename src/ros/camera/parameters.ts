import { MAX_SIDE } from '../../core/admission/limits.ts';
import type { ParameterTable, ValuesOf } from '../../contract/parameters.ts';

/** Every parameter of the camera node. */
export const CAMERA_PARAMETERS = {
  source: {
    kind: 'string',
    default: 'sim',
    read: 'start',
    description: 'What to publish: sim, sim:seed=7,fog=0.3, dir:FOLDER of images, or mcap:RECORDING.',
  },
  topic: {
    kind: 'string',
    default: 'image_raw',
    read: 'start',
    description: 'Image topic. Compressed images are on TOPIC/compressed.',
  },
  ground_truth_topic: {
    kind: 'string',
    default: 'ground_truth',
    read: 'start',
    description: 'Topic of the ground-truth boxes, if the source knows them.',
  },
  rate: {
    kind: 'double',
    default: 0,
    min: 0,
    max: 1000,
    read: 'start',
    description: 'Frames per second. 0: 30, or the pace of the recording.',
  },
  width: {
    kind: 'int',
    default: 0,
    min: 0,
    max: MAX_SIDE,
    read: 'start',
    description: 'Width of the images, together with height. 0: 1280, or the size of the source.',
  },
  height: {
    kind: 'int',
    default: 0,
    min: 0,
    max: MAX_SIDE,
    read: 'start',
    description: 'Height of the images. 0: 720, or the size of the source.',
  },
  frame_id: {
    kind: 'string',
    default: 'camera',
    read: 'start',
    description: 'frame_id in the header of every message.',
  },
  compressed: {
    kind: 'bool',
    default: false,
    read: 'start',
    description: 'Publish CompressedImage (JPEG, or the files of a folder as they are) instead of Image.',
  },
  reliability: {
    kind: 'string',
    default: 'best_effort',
    oneOf: ['best_effort', 'reliable'],
    read: 'start',
    description: 'Reliability offered to subscribers.',
  },
  loop_frames: {
    kind: 'int',
    default: 0,
    min: 0,
    max: 1000,
    read: 'start',
    description:
      'Simulator: render this many frames first and repeat them, so that rendering costs nothing. 0 renders live.',
  },
  loop: {
    kind: 'bool',
    default: true,
    read: 'start',
    description: 'Recordings: start over at the end. Otherwise the node ends with the recording.',
  },
  recording_topic: {
    kind: 'string',
    default: '',
    read: 'start',
    description: 'Recordings: which image topic to play. Empty: the first one in color.',
  },
  stamps_file: {
    kind: 'string',
    default: '',
    read: 'start',
    description:
      'File for the stamps of all frames (JSON, seconds), written when the node ends. Empty: none.',
  },
} as const satisfies ParameterTable;

export type CameraParameters = Readonly<ValuesOf<typeof CAMERA_PARAMETERS>>;
