import { PROVIDERS } from '../../contract/providers.ts';
import { PART_PARAMETERS } from '../../device/parts.ts';
import { LIMIT_PARAMETERS } from '../../contract/limit-parameters.ts';
import { SILENT_AFTER_SECONDS } from '../../core/silence.ts';
import type { ParameterTable, ValuesOf } from '../../contract/parameters.ts';

/** The value of a ROS integer that stands for no value. */
const AUTO = { auto: 0 } as const;

/**
 * Every parameter of the detector. `launch/params/schema.json` and the tables in `docs/ros.md` are generated from it.
 * Limits that nobody sets are the bundle's own from configure on.
 */
export const DETECTOR_PARAMETERS = {
  bundle: {
    kind: 'string',
    default: 'goshawk-street',
    read: 'configure',
    description:
      'Model bundle: NAME, NAME@VERSION, a folder, or an ONNX file, which is imported on first use.',
  },
  variant: {
    kind: 'string',
    default: 'auto',
    read: 'configure',
    description:
      'Id of a variant of the bundle. auto: the fastest for the provider, as measured here, ' +
      'that passes its reference check.',
  },
  image_topics: {
    kind: 'string[]',
    separator: ',',
    default: ['/camera/image_raw'],
    read: 'configure',
    description: 'Image topics, one per camera. Results of /front/image_raw are on /front/detections.',
  },
  image_type: {
    kind: 'string',
    default: 'auto',
    oneOf: ['auto', 'raw', 'compressed'],
    read: 'configure',
    description:
      'Message type of the image topics. auto: CompressedImage if the name ends with /compressed, otherwise Image.',
  },
  labels_topic: {
    kind: 'string',
    default: '',
    read: 'configure',
    description:
      'Labels of frames as Detection2DArray, for AP while it runs: a name next to the results of each camera, ' +
      'such as ground_truth, or a full one for one camera. Empty: none.',
  },
  reliability: {
    kind: 'string',
    default: 'best_effort',
    oneOf: ['best_effort', 'reliable'],
    read: 'configure',
    description:
      'Reliability of the subscriptions. best_effort receives from every camera; reliable only from reliable ones.',
  },
  camera_priorities: {
    kind: 'string[]',
    separator: ',',
    default: [],
    read: 'configure',
    description:
      'Weights 1 to 100 of cameras that share the model, as TOPIC=WEIGHT. Cameras not listed have weight 1.',
  },
  providers: {
    kind: 'string[]',
    separator: ',',
    default: [...PROVIDERS],
    oneOf: PROVIDERS,
    read: 'configure',
    description: 'Execution providers, best first.',
  },
  strict: {
    kind: 'bool',
    default: false,
    read: 'configure',
    description:
      'Refuse to configure if the first provider of the list cannot run the bundle, or a ' +
      'variant fails its reference check.',
  },
  engine: {
    kind: 'string',
    default: 'worker',
    oneOf: ['worker', 'child'],
    read: 'configure',
    description:
      'Where inference runs. worker: threads of this process. child: separate processes, ' +
      'so that a native crash does not take the node down.',
  },
  workers: {
    kind: 'int',
    default: 0,
    min: 0,
    max: 16,
    words: AUTO,
    read: 'configure',
    description: 'Inference workers, each with its own session. 0 (auto): as measured on this machine.',
  },
  threads: {
    kind: 'int',
    default: 0,
    min: 0,
    max: 64,
    words: AUTO,
    read: 'configure',
    description: 'Threads per worker for one image. 0 (auto): as measured on this machine.',
  },
  queue_depth: {
    kind: 'int',
    default: 0,
    min: 0,
    max: 4,
    words: AUTO,
    read: 'configure',
    description:
      'Frames handed to a worker at a time. 1 keeps results freshest; 2 keeps a worker busy ' +
      'while the next frame arrives, for the highest rate. 0 (auto): as measured on ' +
      'this machine.',
  },
  preprocess: {
    kind: 'string',
    default: 'auto',
    oneOf: ['auto', 'sharp', 'graph'],
    read: 'configure',
    description:
      'Who resizes. graph: the model (raw frames only). sharp: libvips. auto: chosen by measurement.',
  },
  tracking: {
    kind: 'bool',
    default: false,
    read: 'configure',
    description: 'Track objects from frame to frame and put track ids into Detection2D.id.',
  },
  max_batch: {
    kind: 'int',
    default: 1,
    min: 1,
    max: 64,
    read: 'configure',
    description: 'Maximum number of images of different cameras in one batch.',
  },
  max_wait_ms: {
    kind: 'double',
    default: 0,
    min: 0,
    max: 1000,
    read: 'configure',
    description: 'Maximum wait for other cameras before a batch is run, milliseconds.',
  },
  deadline_ms: {
    kind: 'double',
    default: 0,
    min: 0,
    max: 60_000,
    read: 'configure',
    description: 'Age at which a frame without a result is dropped, milliseconds after receipt. 0: never.',
  },
  max_stamp_age_s: {
    kind: 'double',
    default: 0,
    min: 0,
    max: 86_400,
    read: 'configure',
    description: 'Frames with stamps older than this are dropped, seconds. 0: no limit.',
  },
  max_stamp_lead_s: {
    kind: 'double',
    default: 0,
    min: 0,
    max: 86_400,
    read: 'configure',
    description: 'Frames with stamps further in the future than this are dropped, seconds. 0: no limit.',
  },
  repeated_stamps: {
    kind: 'string',
    default: 'auto',
    oneOf: ['auto', 'accept', 'drop'],
    read: 'configure',
    description:
      'Frames whose stamp is not newer than the one before. accept: taken in order of ' +
      'arrival. drop: refused. auto: accepted under use_sim_time, from recordings, and ' +
      'from sources that loop.',
  },
  autostart: {
    kind: 'bool',
    default: true,
    read: 'start',
    description: 'Configure and activate at start. Set false if launch or a lifecycle manager does that.',
  },
  ...PART_PARAMETERS,
  report_file: {
    kind: 'string',
    default: '',
    read: 'configure',
    description:
      'File for the run report of the model that was loaded last, written at cleanup and when ' +
      'the node ends. Empty: none.',
  },
  ...LIMIT_PARAMETERS,
  publish_rate: {
    kind: 'double',
    default: 0,
    min: 0,
    max: 1000,
    read: 'always',
    description:
      'Maximum frames per second of each camera that are processed and published; others are ' +
      'counted as rate_limited. 0: no limit.',
  },
  silent_after_s: {
    kind: 'double',
    default: SILENT_AFTER_SECONDS,
    min: 0.5,
    max: 3600,
    read: 'always',
    description: 'Seconds without a frame until a camera is reported as silent.',
  },
  processing_warn_ms: {
    kind: 'double',
    default: 50,
    min: 0,
    max: 60_000,
    read: 'always',
    description:
      'Receipt to result (p99 of the last seconds) from which diagnostics report WARN, milliseconds.',
  },
  processing_error_ms: {
    kind: 'double',
    default: 200,
    min: 0,
    max: 60_000,
    read: 'always',
    description: 'The same for ERROR.',
  },
  delay_warn_ms: {
    kind: 'double',
    default: 100,
    min: 0,
    max: 600_000,
    read: 'always',
    description: 'Stamp to result of the newest frame from which diagnostics report WARN, milliseconds.',
  },
  delay_error_ms: {
    kind: 'double',
    default: 500,
    min: 0,
    max: 600_000,
    read: 'always',
    description: 'The same for ERROR.',
  },
} as const satisfies ParameterTable;

export type DetectorParameters = Readonly<ValuesOf<typeof DETECTOR_PARAMETERS>>;
