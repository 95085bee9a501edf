import { PROVIDERS } from '../../contract/providers.ts';
import { PART_PARAMETERS } from '../../device/parts.ts';
import { SILENT_AFTER_SECONDS } from '../../core/silence.ts';
import type { ParameterTable, ValuesOf } from '../../contract/parameters.ts';

/** How the absence of a value is written where a ROS integer must hold it. */
const AUTO = { auto: 0 } as const;

/**
 * Every parameter of the detector. `launch/params/schema.json` and `docs/ros.md` follow this table; a test
 * holds them to it. Thresholds that nobody sets are the bundle's own from configure on.
 */
export const DETECTOR_PARAMETERS = {
  bundle: {
    kind: 'string',
    default: 'goshawk-street',
    read: 'configure',
    description:
      'Model bundle: NAME, NAME@VERSION, a folder, or an ONNX file, which is imported on its first use.',
  },
  variant: {
    kind: 'string',
    default: 'auto',
    read: 'configure',
    description:
      'Id of one variant of the bundle. auto: the fastest for the provider, as measured here, ' +
      'that gives what it gave when it was evaluated.',
  },
  image_topics: {
    kind: 'string[]',
    separator: ',',
    default: ['/camera/image_raw'],
    read: 'configure',
    description: 'Image topics, one for each camera. Results of /front/image_raw are on /front/detections.',
  },
  image_type: {
    kind: 'string',
    default: 'auto',
    oneOf: ['auto', 'raw', 'compressed'],
    read: 'configure',
    description:
      'Message type of the image topics. auto: CompressedImage where the name ends with /compressed, Image elsewhere.',
  },
  reliability: {
    kind: 'string',
    default: 'best_effort',
    oneOf: ['best_effort', 'reliable'],
    read: 'configure',
    description:
      'Reliability asked of the cameras. best_effort hears every camera; reliable hears only reliable ones.',
  },
  camera_priorities: {
    kind: 'string[]',
    separator: ',',
    default: [],
    read: 'configure',
    description:
      'Weights 1 to 100 where cameras share the model, written TOPIC=WEIGHT. Cameras not named have weight 1.',
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
      'Refuse to configure where the first provider of the list cannot run the bundle, or a ' +
      'variant does not give what it gave when it was evaluated.',
  },
  engine: {
    kind: 'string',
    default: 'worker',
    oneOf: ['worker', 'child'],
    read: 'configure',
    description:
      'Where inference runs. worker: threads of this process. child: a process of its own, ' +
      'which a native crash cannot take the node with.',
  },
  workers: {
    kind: 'int',
    default: 0,
    min: 0,
    max: 16,
    words: AUTO,
    read: 'configure',
    description: 'Inference workers, each with a session of its own. 0 (auto): as measured on this machine.',
  },
  threads: {
    kind: 'int',
    default: 0,
    min: 0,
    max: 64,
    words: AUTO,
    read: 'configure',
    description: 'Threads of each worker inside one image. 0 (auto): as measured on this machine.',
  },
  queue_depth: {
    kind: 'int',
    default: 0,
    min: 0,
    max: 4,
    words: AUTO,
    read: 'configure',
    description:
      'Frames handed to a worker at once. 1 keeps results freshest; 2 lets a worker go on ' +
      'while the next frame comes in, which gives the highest rate. 0 (auto): as measured on ' +
      'this machine.',
  },
  preprocess: {
    kind: 'string',
    default: 'auto',
    oneOf: ['auto', 'sharp', 'graph'],
    read: 'configure',
    description:
      'Who resizes. graph: nodes of the model (raw frames only). sharp: libvips. auto: chosen by measurement.',
  },
  tracking: {
    kind: 'bool',
    default: false,
    read: 'configure',
    description: 'Follow objects from frame to frame and put track ids into Detection2D.id.',
  },
  max_batch: {
    kind: 'int',
    default: 1,
    min: 1,
    max: 64,
    read: 'configure',
    description: 'Most images of different cameras that go through the model at once.',
  },
  max_wait_ms: {
    kind: 'double',
    default: 0,
    min: 0,
    max: 1000,
    read: 'configure',
    description: 'Longest wait for other cameras before a batch goes, milliseconds.',
  },
  deadline_ms: {
    kind: 'double',
    default: 0,
    min: 0,
    max: 60_000,
    read: 'configure',
    description: 'Age at which a frame without a result is dropped, milliseconds after receipt. 0 for none.',
  },
  max_stamp_age_s: {
    kind: 'double',
    default: 0,
    min: 0,
    max: 86_400,
    read: 'configure',
    description: 'Frames with stamps older than this are dropped, seconds. 0 takes any age.',
  },
  max_stamp_lead_s: {
    kind: 'double',
    default: 0,
    min: 0,
    max: 86_400,
    read: 'configure',
    description: 'Frames with stamps further in the future than this are dropped, seconds. 0 takes any.',
  },
  repeated_stamps: {
    kind: 'string',
    default: 'auto',
    oneOf: ['auto', 'accept', 'drop'],
    read: 'configure',
    description:
      'Frames whose stamp is not newer than the one before. accept: taken in the order in ' +
      'which they come. drop: refused. auto: accepted under use_sim_time, from recordings, and ' +
      'from sources that loop.',
  },
  autostart: {
    kind: 'bool',
    default: true,
    read: 'start',
    description: 'Configure and activate at start. Set false where launch or a lifecycle manager does.',
  },
  ...PART_PARAMETERS,
  report_file: {
    kind: 'string',
    default: '',
    read: 'configure',
    description:
      'File for the run report, written at cleanup and when the node ends, of the model that ' +
      'was loaded last. Empty for none.',
  },
  score_threshold: {
    kind: 'double',
    default: 0.25,
    min: 0,
    max: 1,
    read: 'always',
    description: 'Least score of a published detection. Not set: the bundle decides.',
  },
  iou_threshold: {
    kind: 'double',
    default: 0.45,
    min: 0,
    max: 1,
    read: 'always',
    description: 'Overlap at which the weaker box of a class is suppressed. Not set: the bundle decides.',
  },
  max_detections: {
    kind: 'int',
    default: 100,
    min: 1,
    max: 10_000,
    read: 'always',
    description: 'Most detections of one frame. Not set: the bundle decides.',
  },
  class_filter: {
    kind: 'string[]',
    default: [],
    read: 'always',
    description: 'Class names to publish. Empty publishes all.',
  },
  publish_rate: {
    kind: 'double',
    default: 0,
    min: 0,
    max: 1000,
    read: 'always',
    description:
      'Most frames a second of each camera that are processed and published; others are ' +
      'counted as rate_limited. 0 for all.',
  },
  silent_after_s: {
    kind: 'double',
    default: SILENT_AFTER_SECONDS,
    min: 0.5,
    max: 3600,
    read: 'always',
    description:
      'Seconds without a frame after which a camera is reported as silent, in the log, ' +
      '/diagnostics, /healthz and on the page.',
  },
  processing_warn_ms: {
    kind: 'double',
    default: 50,
    min: 0,
    max: 60_000,
    read: 'always',
    description: 'Receipt to result (p99 of the last seconds) from which diagnostics say WARN, milliseconds.',
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
    description: 'Stamp to result of the newest frame from which diagnostics say WARN, milliseconds.',
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
