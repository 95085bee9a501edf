/**
 * Every error that a person or a script can meet has a stable code, names the thing at fault, and says what
 * to do. Codes never change their meaning; messages may. `{name}` in a template is filled from the error's
 * details; `{name|words}` is words where they have no such entry.
 */
export const ERROR_TEMPLATES = {
  GOSHAWK_BUNDLE_NOT_FOUND: {
    message: 'no bundle {bundle}',
    fix: 'run "goshawk models list", or import a model with "goshawk models import FILE"',
  },
  GOSHAWK_BUNDLE_INVALID: {
    message: 'bundle {bundle} has a manifest that does not follow the schema: {reason}',
    fix: 'correct bundle.json, or make the bundle again with "goshawk models import"',
  },
  GOSHAWK_BUNDLE_DIGEST: {
    message: 'file {file} of bundle {bundle} has sha256 {actual}, the manifest says {expected}',
    fix: 'fetch the bundle again: the file was changed or cut short; nothing was loaded',
  },
  GOSHAWK_LABELS_MISMATCH: {
    message: 'bundle {bundle} has {labels} labels, its graph has {classes} classes',
    fix: 'give one label for each class, in the order of the training set (--labels FILE)',
  },
  GOSHAWK_HEAD_MISMATCH: {
    message: 'the manifest of {bundle} says head {head}, the graph gives {shapes}: {reason}',
    fix: 'import the model again with the right --head (yolox, yolov5, yolov8, labeled, detr, end2end)',
  },
  GOSHAWK_NOT_A_DETECTOR: {
    message: '{file} is no detector that Goshawk knows: {reason}',
    fix:
      'export a YOLO, RT-DETR, D-FINE or RF-DETR detector to ONNX, or say how its output is ' +
      'laid out (--head, --layout, --decoded)',
  },
  GOSHAWK_MODEL_UNREADABLE: {
    message: '{file} cannot be read as an ONNX model: {reason}',
    fix: 'check that the file is a whole ONNX file (python: onnx.checker.check_model)',
  },
  GOSHAWK_EXTERNAL_DATA: {
    message: 'weights of {file} lie in "{location}", which cannot be used: {reason}',
    fix:
      'put that file beside the model, or save the model in one file (python: onnx.save_model ' +
      'without external data)',
  },
  GOSHAWK_PROVIDER_UNAVAILABLE: {
    message: 'no execution provider of the preferred ones "{preferred}" can run bundle {bundle}: {reasons}',
    fix: 'add "cpu" to the preference, turn "strict" off, or install ONNX Runtime with that provider (docs/jetson.md)',
  },
  GOSHAWK_ENGINE_INCOMPATIBLE: {
    message: 'variant {variant} of {bundle} holds an engine built for {built}, this machine has {found}',
    fix: 'build the engine on this device (docs/jetson.md, "Engines"), or use a variant without an engine',
  },
  GOSHAWK_ENGINE_CRASHED: {
    message: 'the inference {kind} ended unexpectedly: {reason}',
    fix: 'it is started again by itself; if this repeats, run "goshawk doctor" and "goshawk models verify"',
  },
  GOSHAWK_ENGINE_TIMEOUT: {
    message: 'inference did not answer within {ms} ms',
    fix: 'it is started again by itself; check the load of the machine with "goshawk doctor"',
  },
  GOSHAWK_INFERENCE_FAILED: {
    message: 'inference of one frame failed: {reason}',
    fix: 'the frame is counted as dropped; if this repeats, run "goshawk models verify"',
  },
  GOSHAWK_MODEL_OUTPUT_INVALID: {
    message: 'the model {bundle} put out {what} that is not a number',
    fix: 'the frame is counted as dropped; check the bundle: a quantized variant may be broken',
  },
  GOSHAWK_PARAMETER_INVALID: {
    message: 'parameter {name} = {value} is refused: {reason}',
    fix: '{fix|correct the value}',
  },
  GOSHAWK_FILE_UNREADABLE: {
    message: '{file} cannot be read: {reason}',
    fix: 'check the path and its permissions',
  },
  GOSHAWK_FILE_INVALID: { message: '{file} does not follow its format: {reason}', fix: 'correct the file' },
  GOSHAWK_PORT_IN_USE: {
    message: 'port {port} on {host} is in use',
    fix: 'end the other program, or give another port with {option} (0 takes a free one)',
  },
  GOSHAWK_HOST_REFUSED: {
    message: 'this server does not answer to the host name "{host}"',
    fix: 'open it by its address, or list the name in http_allowed_hosts (--allow-host for "goshawk run")',
  },
  GOSHAWK_ROUTE_UNKNOWN: {
    message: 'this server has nothing at {path}',
    fix: 'ask for one of {paths}',
  },
  GOSHAWK_BROKER_UNREACHABLE: {
    message: 'the MQTT broker {url} does not answer: {reason}',
    fix: 'check the address and the network; perception goes on and the connection is tried again',
  },
  GOSHAWK_BROKER_REFUSED: {
    message: 'the MQTT broker {url} answers and refuses this client: {reason}',
    fix:
      'check user, password, TLS files and what the broker allows (docs/telemetry.md); ' +
      'perception goes on and the connection is tried again',
  },
  GOSHAWK_LINK_CLOSED: {
    message: 'the connection to the MQTT broker {url} was closed; reason: {reason}',
    fix: 'nothing has to be done: perception goes on and the connection is tried again; what it comes to is said next',
  },
  GOSHAWK_CLIENT_TAKEN_OVER: {
    message: 'another client took over the telemetry connection to {url}: {reason}',
    fix:
      'give each robot a "robot" of its own (robots imaged alike have one host name) and each ' +
      'detector of a robot a node name of its own (--node of "goshawk run"); the broker is not ' +
      'at fault',
  },
  GOSHAWK_TELEMETRY_INVALID: {
    message:
      'a message of the telemetry stream {stream} does not follow its schema and was not sent: {reason}',
    fix: 'the next message declares it as lost; this is a defect: please report it with the log',
  },
  GOSHAWK_DATASET_INVALID: {
    message: 'data set {file} is refused: {reason}',
    fix: 'correct the file (COCO detection format); nothing was evaluated',
  },
  GOSHAWK_DATASET_IMAGE: {
    message: 'image {image} of data set {file} cannot be used: {reason}',
    fix: 'check the folder given with --images and that it belongs to the annotations',
  },
  GOSHAWK_CATEGORY_UNKNOWN: {
    message: 'categories of data set {file} have no label in {bundle}: {categories}',
    fix: 'give --ignore-unknown to leave their objects out, or take a bundle with those labels',
  },
  GOSHAWK_USAGE: { message: '{reason}', fix: 'see "goshawk --help"' },
  GOSHAWK_ROS_UNAVAILABLE: {
    message: 'no ROS 2 is available: {reason}',
    fix: 'run "npm run setup", or source a ROS 2 installation; "goshawk run" works without ROS',
  },
  GOSHAWK_DEMO_NODE_ENDED: {
    message: 'the {name} node ended unexpectedly; its last lines:\n{output}',
    fix: 'run "goshawk doctor", mend what it reports, then start again',
  },
  GOSHAWK_DEMO_NODE_FAILED: {
    message: 'the {name} node could not start; its log above says why',
    fix: 'mend what the log names, then start again',
  },
  GOSHAWK_DEMO_SILENT: {
    message: 'no detection came out within {seconds} s',
    fix: 'run "goshawk doctor": the camera and the detector do not hear each other over DDS',
  },
  GOSHAWK_BENCH_PROCESS: {
    message: 'the benchmark process "{name}" failed: {reason}; it said: {output}',
    fix: 'run "goshawk doctor"; ROS benchmarks need "scripts/with-ros goshawk bench ..." and a source checkout',
  },
  GOSHAWK_CHILD_FAILED: {
    message: '"{command}" {reason}; its last lines:\n{output}',
    fix: 'run the same command by itself, and fix what it reports',
  },
  GOSHAWK_CAMERA_SPEC: {
    message: 'camera "{spec}" is not understood: {reason}',
    fix: 'give sim, sim:seed=7,fog=0.3, dir:PATH, or mcap:FILE (with ,topic=/x or ,loop=false behind it)',
  },
  GOSHAWK_CAMERA_UNUSABLE: {
    message: 'camera {camera} gives no images: {reason}',
    fix:
      'check the path, its permissions and that its content is what the camera reads ' +
      '(JPEG/PNG; recordings of ROS 2 with images, docs/ros.md)',
  },
  GOSHAWK_INTERRUPTED: {
    message: '{what} was interrupted; nothing was written',
    fix: 'run it again',
  },
  GOSHAWK_OUTPUT_REFUSED: {
    message: '{path} cannot be written: {reason}',
    fix:
      'give a place that you may write to: the folder of a file has to be there, a folder of ' +
      'results has to be empty or not there yet',
  },
  GOSHAWK_NO_SPACE: {
    message: 'there is no space left in {path}: {reason}',
    fix:
      'free some, or name a folder on another disk; what is finished is kept, and running it ' +
      'again goes on from there',
  },
  GOSHAWK_OPTIMIZE_ENVIRONMENT: {
    message: 'the Python environment of "goshawk optimize" cannot be made: {reason}',
    fix: '{fix}',
  },
  GOSHAWK_OPTIMIZE_QUANTIZER: {
    message: 'the quantizer failed at {step}: {reason}',
    fix:
      'its log is {log}; check that the model runs ("goshawk models import"), then run it ' +
      'again: what is finished is kept',
  },
  GOSHAWK_OPTIMIZE_PICTURES: {
    message: 'calibration folder {folder} is refused: {reason}',
    fix: 'put JPEG or PNG images of what the camera sees there and remove what is broken; nothing was written',
  },
  GOSHAWK_OPTIMIZE_OVERLAP: {
    message:
      '{count} of the {total} calibration images in {folder} are also labeled images, pixel for pixel: {images}',
    fix:
      'a loss on images that ranges were set by is too small: calibrate with other images, or ' +
      'give other labeled ones (--annotations, --images); nothing was written',
  },
  GOSHAWK_OPTIMIZE_UNJUDGED: {
    message: 'accuracy cannot be judged with {file}: {reason}',
    fix: 'give labeled images in which the model finds something (--annotations, --images); nothing was written',
  },
  GOSHAWK_OPTIMIZE_TARGET: {
    message: 'no variant within the accuracy floor takes {target} ms or less: the fastest takes {fastest} ms',
    fix:
      'allow a larger --max-ap-drop, more --threads or a longer --max-latency-ms; no bundle ' +
      'was written, the report says what was tried',
  },
  GOSHAWK_OPTIMIZE_BUSY: {
    message: 'another "goshawk optimize" (process {pid}) works in {folder}',
    fix: 'wait for it, or give another --work folder',
  },
  GOSHAWK_ENGINE_INPUT: {
    message: 'variant {variant} of {bundle} cannot become a TensorRT engine: {reason}',
    fix: 'take another --variant; "goshawk optimize" makes an int8 variant that keeps the rules of TensorRT',
  },
  GOSHAWK_ENGINE_FILE: {
    message: '{file} is no TensorRT engine that can be wrapped: {reason}',
    fix: 'build it with scripts/jetson/build-engine or trtexec --saveEngine (docs/jetson.md, "Engines")',
  },
  GOSHAWK_LINEAGE_INVALID: {
    message: 'the lineage of {bundle} cannot be followed: {reason}',
    fix: 'correct the parents in its bundle.json, or make the bundle again from its source',
  },
  GOSHAWK_REFERENCES_INVALID: {
    message: 'the references of bundle {bundle} cannot be used: {reason}',
    fix: 'fetch the bundle again, or make a version with new references: goshawk models add-references BUNDLE',
  },
  GOSHAWK_REFERENCE_MISMATCH: {
    message: 'bundle {bundle} does not give here what it gave when it was evaluated: {reasons}',
    fix:
      'give another --variant or provider, or make a variant for this machine (goshawk ' +
      'optimize); for an engine, build it here again (docs/models.md, "References")',
  },
  GOSHAWK_CACHE_IGNORED: {
    message: 'the kept measurement {file} is not used: {reason}',
    fix: 'nothing has to be done: it is measured again; remove the file if this repeats',
  },
  GOSHAWK_CACHE_UNWRITABLE: {
    message: 'measurements cannot be kept in {folder}: {reason}',
    fix: 'every start measures again; name a folder that can be written in GOSHAWK_CACHE',
  },
  GOSHAWK_INTERNAL: { message: '{reason}', fix: 'this is a defect: please report it with the log' },
} as const satisfies Record<string, { message: string; fix: string }>;

export type ErrorCode = keyof typeof ERROR_TEMPLATES;

/** Values for the placeholders of a template; they appear in logs, so no secret may be among them. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean>>;

function fill(template: string, details: ErrorDetails): string {
  return template.replace(/\{(\w+)(?:\|([^}]*))?\}/g, (whole, name: string, otherwise?: string) =>
    String(details[name] ?? otherwise ?? whole),
  );
}

/** An error with a stable code, what is at fault, and what to do about it. */
export class GoshawkError extends Error {
  override readonly name = 'GoshawkError';
  readonly code: ErrorCode;
  readonly details: ErrorDetails;
  /** what the reader should do next */
  readonly fix: string;

  constructor(code: ErrorCode, details: ErrorDetails = {}, options?: { cause?: unknown }) {
    const template = ERROR_TEMPLATES[code];
    super(fill(template.message, details), options);
    this.code = code;
    this.details = details;
    this.fix = fill(template.fix, details);
  }
}

/** One line for a log or a terminal: code, what, and what to do. */
export function describeError(error: unknown): string {
  if (error instanceof GoshawkError) return `${error.code}: ${error.message} (${error.fix})`;
  return error instanceof Error ? error.message : String(error);
}
