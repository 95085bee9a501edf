import { HEADS } from '../core/heads/head-table.ts';

/**
 * Every error that a user or a script can see has a stable code, names the thing at fault and says what to
 * do. The meaning of a code never changes; its message may. `{name}` in a template is replaced by that entry
 * of the error's details; `{name|words}` falls back to the words if there is no such entry.
 */
export const ERROR_TEMPLATES = {
  GOSHAWK_BUNDLE_NOT_FOUND: {
    message: 'no bundle {bundle}',
    fix: 'run "goshawk models list", or import a model with "goshawk models import FILE"',
  },
  GOSHAWK_BUNDLE_INVALID: {
    message: 'bundle {bundle} has a manifest that does not follow the schema: {reason}',
    fix: 'correct bundle.json, or import the model again with "goshawk models import"',
  },
  GOSHAWK_BUNDLE_DIGEST: {
    message: 'file {file} of bundle {bundle} has sha256 {actual}, but the manifest says {expected}',
    fix: 'fetch the bundle again: the file was changed or truncated; nothing was loaded',
  },
  GOSHAWK_LABELS_MISMATCH: {
    message: 'bundle {bundle} has {labels} labels, but its graph has {classes} classes',
    fix: 'give one label per class, in the order of the training set (--labels FILE)',
  },
  GOSHAWK_HEAD_MISMATCH: {
    message: 'the manifest of {bundle} names head {head}, but the graph outputs {shapes}: {reason}',
    fix: `import the model again with the right --head (${HEADS.join(', ')})`,
  },
  GOSHAWK_NOT_A_DETECTOR: {
    message: '{file} is not a detector that Goshawk supports: {reason}',
    fix:
      'export a YOLO, RT-DETR, D-FINE or RF-DETR detector to ONNX, or describe its output ' +
      'layout (--head, --layout, --decoded)',
  },
  GOSHAWK_MODEL_UNREADABLE: {
    message: '{file} cannot be read as an ONNX model: {reason}',
    fix: 'check that the file is a complete ONNX file (python: onnx.checker.check_model)',
  },
  GOSHAWK_EXTERNAL_DATA: {
    message: 'the weights of {file} are in "{location}", which cannot be used: {reason}',
    fix:
      'put that file next to the model, or save the model in one file (python: onnx.save_model ' +
      'without external data)',
  },
  GOSHAWK_PROVIDER_UNAVAILABLE: {
    message: 'none of the preferred execution providers "{preferred}" can run bundle {bundle}: {reasons}',
    fix: 'add "cpu" to the preference, turn "strict" off, or install ONNX Runtime with that provider (docs/jetson.md)',
  },
  GOSHAWK_ENGINE_INCOMPATIBLE: {
    message:
      'variant {variant} of {bundle} contains an engine built for {built}, but this machine has {found}',
    fix: 'build the engine on this device (docs/jetson.md, "Engines"), or use a variant without an engine',
  },
  GOSHAWK_ENGINE_CRASHED: {
    message: 'the inference {kind} ended unexpectedly: {reason}',
    fix: 'it restarts automatically; if this repeats, run "goshawk doctor" and "goshawk models verify"',
  },
  GOSHAWK_ENGINE_TIMEOUT: {
    message: 'inference did not answer within {ms} ms',
    fix: 'it restarts automatically; check the load of the machine with "goshawk doctor"',
  },
  GOSHAWK_INFERENCE_FAILED: {
    message: 'inference of one frame failed: {reason}',
    fix: 'the frame is counted as dropped; if this repeats, run "goshawk models verify"',
  },
  GOSHAWK_MODEL_OUTPUT_INVALID: {
    message: 'the model {bundle} returned {what} that is not a number',
    fix: 'the frame is counted as dropped; check the bundle: a quantized variant may be broken',
  },
  GOSHAWK_PARAMETER_INVALID: {
    message: 'parameter {name} = {value} is not valid: {reason}',
    fix: '{fix|correct the value}',
  },
  GOSHAWK_FILE_UNREADABLE: {
    message: '{file} cannot be read: {reason}',
    fix: 'check the path and its permissions',
  },
  GOSHAWK_FILE_INVALID: { message: '{file} is not valid: {reason}', fix: 'correct the file' },
  GOSHAWK_FIT_IMPOSSIBLE: {
    message: 'the accuracy of {bundle} cannot be estimated from these pictures: {reason}',
    fix: 'give more or other pictures (--annotations, --images), or copies in more corruptions (--degraded)',
  },
  GOSHAWK_DRIFT_REFERENCE_SHORT: {
    message: 'context {context} has {count} observations, and a reference needs {least}',
    fix: 'observe for longer (--seconds) or more images, or check why frames were not published',
  },
  GOSHAWK_SWAP_LABELS: {
    message:
      'a model with {nextCount} classes cannot take over from one with {count} while frames flow: {nextLabel} is in ' +
      'the place of {label}',
    fix: 'give a bundle with the same labels in the same order, or clean up, set "bundle" and configure again',
  },
  GOSHAWK_SWAP_SAME: {
    message: 'bundle {bundle} cannot take over from itself',
    fix: 'give another bundle: a fallback differs from the parameter "bundle"',
  },
  GOSHAWK_SWAP_LOST: {
    message: 'bundle {bundle} lost a runner before it took over: {reason}',
    fix: 'the model that runs goes on; if this repeats, run "goshawk doctor" and "goshawk models verify"',
  },
  GOSHAWK_POLICY_INVALID: {
    message: 'policy {file} is not valid: {reason}',
    fix: 'correct it (docs/policy.md); "goshawk drift policy check FILE" checks it; an earlier policy stays in force',
  },
  GOSHAWK_POLICY_STOPPED: {
    message:
      'policy {file} was stopped: {reason}; every action was undone and the configured state is in force',
    fix: 'find out why it went back and forth, correct the policy, or restart the detector',
  },
  GOSHAWK_POLICY_ACTION: {
    message: 'rule {rule} of the policy could not {action}: {reason}',
    fix: 'correct the rule, or provide what it needs; the other actions are in force',
  },
  GOSHAWK_POLICY_UNMET: {
    message: 'rules {rules} of policy {file} can never begin: there is no verdict {verdict}: {reason}',
    fix: 'provide what the reason names (docs/drift.md), or take these rules out of the policy',
  },
  GOSHAWK_DRIFT_REFERENCE_MISMATCH: {
    message: 'drift reference {file} is of {what} {expected}, not of {actual}: there are no verdicts',
    fix: 'make one for it with "goshawk drift reference", or set drift_reference to the right file',
  },
  GOSHAWK_DRIFT_REFERENCE_SETTINGS: {
    message:
      'drift reference {file} was made with {expected}, and the detector runs with {actual}: {what} are not compared',
    fix:
      'make one with "goshawk drift reference" and the options of the detector (--track, --score and others), or run ' +
      'the detector with those of the reference',
  },
  GOSHAWK_PORT_IN_USE: {
    message: 'port {port} on {host} is in use',
    fix: 'stop the other program, or choose another port with {option} (0 takes a free one)',
  },
  GOSHAWK_HOST_REFUSED: {
    message: 'this server does not answer to the host name "{host}"',
    fix: 'use its IP address, or add the name to http_allowed_hosts (--allow-host for "goshawk run")',
  },
  GOSHAWK_ROUTE_UNKNOWN: {
    message: 'this server has nothing at {path}',
    fix: 'ask for one of {paths}',
  },
  GOSHAWK_BROKER_UNREACHABLE: {
    message: 'the MQTT broker {url} does not answer: {reason}',
    fix: 'check the address and the network; perception continues and the connection is retried',
  },
  GOSHAWK_BROKER_REFUSED: {
    message: 'the MQTT broker {url} answers but refuses this client: {reason}',
    fix:
      'check the user, password, TLS files and permissions on the broker (docs/telemetry.md); ' +
      'perception continues and the connection is retried',
  },
  GOSHAWK_BROKER_FLOODING: {
    message: 'the connection to the MQTT broker {url} was ended because of what it sends: {reason}',
    fix: 'check what answers at this address; perception continues and the connection is retried',
  },
  GOSHAWK_LINK_CLOSED: {
    message: 'the connection to the MQTT broker {url} was closed: {reason}',
    fix: 'no action needed: perception continues and the connection is retried; the outcome is logged next',
  },
  GOSHAWK_CLIENT_TAKEN_OVER: {
    message: 'another client took over the telemetry connection to {url}: {reason}',
    fix:
      'give each robot its own "robot" (robots cloned from one image share a host name) and ' +
      'each detector on a robot its own node name (--node of "goshawk run"); the broker is not ' +
      'at fault',
  },
  GOSHAWK_TELEMETRY_INVALID: {
    message:
      'a message of the telemetry stream {stream} does not follow its schema and was not sent: {reason}',
    fix: 'it is declared as lost; this is a bug: please report it with the log',
  },
  GOSHAWK_TELEMETRY_ENDED: {
    message: 'the thread of telemetry has ended: {reason}',
    fix:
      'it is started again, and declares what was made meanwhile as lost; perception continues. If that happens more ' +
      'than once, please report it with the log',
  },
  GOSHAWK_CAPTURE_UNWRITABLE: {
    message: 'clips cannot be written to {folder}: {reason}',
    fix:
      'free some space, or name a folder on a disk that can be written (capture_dir); nothing is recorded for a ' +
      'minute, and perception continues',
  },
  GOSHAWK_CAPTURE_REQUESTS: {
    message: 'requests for clips in {folder} cannot be answered: {reason}',
    fix:
      'let the detector write to the folder "requests" in it; clips that nobody asks for by "goshawk capture" are ' +
      'recorded all the same',
  },
  GOSHAWK_CAPTURE_REFUSED: {
    message: 'no clip is recorded: {reason}',
    fix: 'see "capture" in /api/status, and the limits capture_clips_per_hour and capture_budget_mb',
  },
  GOSHAWK_CAPTURE_OFF: {
    message: 'nothing answers for clips in {folder}: {reason}',
    fix: 'start the detector with capture_dir (--capture-dir) set to this folder, as the user who runs this command',
  },
  GOSHAWK_CLIP_UNKNOWN: {
    message: 'there is no clip {clip} on the robot',
    fix: 'ask for a clip that it offered; the oldest make room for new ones (capture_budget_mb)',
  },
  GOSHAWK_CLIP_NOT_SENT: {
    message: 'clip {clip} is not sent: {reason}',
    fix: 'ask for it again, from its first byte',
  },
  GOSHAWK_CLIP_DIGEST: {
    message: 'clip {clip} is not what the robot offered',
    fix: 'ask for it again; if that repeats, look at the disk of the robot',
  },
  GOSHAWK_CLIPS_OFF: {
    message: 'this fleet keeps no clips',
    fix: 'start "goshawk fleet serve" with a folder for them (--clips), or name a URL to PUT it at (putUrl)',
  },
  GOSHAWK_CLIPS_FULL: {
    message: 'the fleet has no room for clip {clip}: {reason}',
    fix: 'ask again once other clips have come, give "goshawk fleet serve" a larger --clips-budget-mb, or use putUrl',
  },
  GOSHAWK_CLIP_NOT_HERE: {
    message: 'the fleet does not have clip {clip}: {reason}',
    fix: 'have it fetched first, by the button of the page or by POST .../clips/{clip}/fetch',
  },
  GOSHAWK_DOWNLOADS_TAKEN: {
    message: 'all places for downloads are taken',
    fix: 'let others end, or try again in {seconds} s, as Retry-After says',
  },
  GOSHAWK_RANGE_REFUSED: {
    message: 'there is no byte of clip {clip} in that range: it has {bytes}',
    fix: 'ask for a range within it, or without Range for all of it',
  },
  GOSHAWK_RECORDING_UNUSABLE: {
    message: 'recording {file} cannot be evaluated: {reason}',
    fix: 'name its topics with --topic and --labels-topic, or label it by a larger bundle with --judge',
  },
  GOSHAWK_OUTBOX_IN_USE: {
    message: 'the telemetry outbox in {folder} is open in another process',
    fix:
      'give each detector on a robot its own node name (--node of "goshawk run"), or end the other process; ' +
      'telemetry is kept in memory meanwhile, and perception continues',
  },
  GOSHAWK_OUTBOX_UNWRITABLE: {
    message: 'the telemetry outbox in {folder} cannot be written: {reason}',
    fix:
      'free some space, or name a folder on a disk that can be written (telemetry_outbox); telemetry is kept in ' +
      'memory meanwhile, and perception continues',
  },
  GOSHAWK_TELEMETRY_UNACKNOWLEDGED: {
    message: 'the broker {url} takes telemetry, but the fleet stores none of it: {reason}',
    fix:
      'start the fleet side ("fleet serve"), and check that the rights on the broker let it write and this robot ' +
      'read topics that end in /ack; messages wait in the outbox meanwhile',
  },
  GOSHAWK_OUTBOX_NOT_FOUND: {
    message: 'no single telemetry outbox to look at under {folder}: {reason}',
    fix: 'name one with --telemetry-outbox, --site, --robot and --node',
  },
  GOSHAWK_OUTBOX_SILENT: {
    message: 'no process answers for the telemetry outbox in {folder}',
    fix: 'start the detector, as the user who runs this command; "ledger" and "status" also read the disk',
  },
  GOSHAWK_POSTGRES_MISSING: {
    message: 'the embedded PostgreSQL cannot be used on this machine: {reason}',
    fix: 'run "npm install" again, or use a PostgreSQL of your own (--database URL)',
  },
  GOSHAWK_POSTGRES_FOLDER: {
    message: 'the folder {folder} cannot hold the embedded database: {reason}',
    fix: 'choose another folder with --folder, or use a PostgreSQL of your own (--database URL)',
  },
  GOSHAWK_POSTGRES_IN_USE: {
    message: 'the embedded database in {folder} is in use by process {pid}',
    fix: 'end that process, or choose another folder with --folder',
  },
  GOSHAWK_POSTGRES_FAILED: {
    message: 'the embedded PostgreSQL in {folder} {reason}; its last lines:\n{output}',
    fix: 'fix what it names; the data are untouched (docs/fleet.md, "The embedded database")',
  },
  GOSHAWK_DATABASE_UNREACHABLE: {
    message: 'the database {database} does not answer: {reason}',
    fix: 'check the address, and that it runs; what robots send meanwhile is sent again',
  },
  GOSHAWK_DATABASE_REFUSED: {
    message: 'the database {database} answers but refuses: {reason}',
    fix: 'check the user, the password (PGPASSWORD or PGPASSFILE in the environment) and what that user may do',
  },
  GOSHAWK_DATABASE_NOT_DURABLE: {
    message: 'the database {database} has {setting} = {value}: a power cut could take what was acknowledged',
    fix: 'set it to "on" in postgresql.conf and reload; nothing was stored',
  },
  GOSHAWK_DATABASE_SCHEMA: {
    message: 'the schema of the database {database} does not fit this version of Goshawk: {reason}',
    fix: 'use the version of Goshawk that made it or a newer one; nothing was changed',
  },
  GOSHAWK_MOSQUITTO_MISSING: {
    message: 'there is no Mosquitto, with which faults of a broker are made',
    fix: 'install it ("sudo apt-get install mosquitto")',
  },
  GOSHAWK_ROBOT_UNKNOWN: {
    message: 'the fleet has received nothing from robot {robot}',
    fix: 'check the name; "goshawk fleet ledger" without a name lists the robots',
  },
  GOSHAWK_ROBOT_AMBIGUOUS: {
    message: 'there are robots named {robot} on several sites: {sites}',
    fix: 'say which one is meant, as SITE/NAME',
  },
  GOSHAWK_QUARANTINE_UNKNOWN: {
    message: 'there is no message {id} in quarantine',
    fix: 'see "goshawk fleet quarantine list"; what was replayed or dropped is not there any more',
  },
  GOSHAWK_ROBOT_ACTIVE: {
    message: 'robot {robot} sent something within the last hour, and is not deleted',
    fix: 'end its detectors, and delete it an hour later',
  },
  GOSHAWK_REQUEST_INVALID: {
    message: 'the request is not valid: {reason}',
    fix: 'correct it (docs/openapi.json)',
  },
  GOSHAWK_TOKEN_MISSING: {
    message: 'this needs a token',
    fix: 'log in on the page, or send it as "Authorization: Bearer TOKEN"; "goshawk fleet token create" makes one',
  },
  GOSHAWK_TOKEN_REFUSED: {
    message: 'the token is not valid: {reason}',
    fix: 'use one that "goshawk fleet token list" shows as valid, or ask for a new one',
  },
  GOSHAWK_ROLE_REFUSED: {
    message: 'this needs the role {needed}, and the request has {role}',
    fix: 'use a token with that role ("goshawk fleet token create")',
  },
  GOSHAWK_ORIGIN_REFUSED: {
    message: 'a page of {origin} may not change anything here',
    fix: 'use the page of this server; a proxy before it must pass the Host header on',
  },
  GOSHAWK_TOO_MANY_REQUESTS: {
    message: 'too many {what}',
    fix: 'try again in {seconds} s, as Retry-After says',
  },
  GOSHAWK_FLEET_BUSY: {
    message: 'too many other questions of this kind wait for their answers',
    fix: 'try again in {seconds} s, as Retry-After says',
  },
  GOSHAWK_STREAMS_TAKEN: {
    message: 'all places for streams are taken',
    fix: 'close another page, or try again in {seconds} s, as Retry-After says',
  },
  GOSHAWK_TOKENS_REQUIRED: {
    message: 'other machines could reach {address}, and no token that they would need was made yet',
    fix:
      'make one with "goshawk fleet token create", listen on 127.0.0.1, or let everybody who reaches it read ' +
      'everything (--insecure-no-auth)',
  },
  GOSHAWK_TOKEN_EXISTS: {
    message: 'there is a token with the name {name}',
    fix: 'choose another name, or revoke that one first ("goshawk fleet token revoke")',
  },
  GOSHAWK_TOKEN_UNKNOWN: {
    message: 'there is no token with the name {name} that could be revoked',
    fix: 'see "goshawk fleet token list"',
  },
  GOSHAWK_EDIT_CONFLICT: {
    message: 'somebody changed the settings of robot {robot} meanwhile; nothing was changed now',
    fix: 'read them again, and send the change with the new ETag in If-Match',
  },
  GOSHAWK_ETAG_MISSING: {
    message: 'the request does not say which version it changes; nothing was changed',
    fix: 'send the ETag that was read in If-Match, or If-Match: * to change whatever is there',
  },
  GOSHAWK_DATASET_INVALID: {
    message: 'data set {file} is not valid: {reason}',
    fix: 'correct the file (COCO detection format); nothing was evaluated',
  },
  GOSHAWK_DATASET_IMAGE: {
    message: 'image {image} of data set {file} cannot be used: {reason}',
    fix: 'check the folder given with --images and that it belongs to the annotations',
  },
  GOSHAWK_CATEGORY_UNKNOWN: {
    message: 'categories of data set {file} have no label in {bundle}: {categories}',
    fix: 'use --ignore-unknown to skip their objects, or a bundle with those labels',
  },
  GOSHAWK_USAGE: { message: '{reason}', fix: 'see "goshawk --help"' },
  GOSHAWK_ROS_UNAVAILABLE: {
    message: 'ROS 2 is not available: {reason}',
    fix: 'run "npm run setup", or source a ROS 2 installation; "goshawk run" works without ROS',
  },
  GOSHAWK_DEMO_NODE_ENDED: {
    message: 'the {name} node ended unexpectedly; its last lines:\n{output}',
    fix: 'run "goshawk doctor", fix what it reports, then start again',
  },
  GOSHAWK_DEMO_NODE_FAILED: {
    message: 'the {name} node could not start; its log above says why',
    fix: 'fix what the log names, then start again',
  },
  GOSHAWK_DEMO_SILENT: {
    message: 'no detection was published within {seconds} s',
    fix: 'run "goshawk doctor": the camera and the detector do not reach each other over DDS',
  },
  GOSHAWK_BENCH_PROCESS: {
    message: 'the benchmark process "{name}" failed: {reason}; its output: {output}',
    fix: 'run "goshawk doctor"; ROS benchmarks need "scripts/with-ros goshawk bench ..." and a source checkout',
  },
  GOSHAWK_BENCH_BACKLOG: {
    message: 'round {round} of "{condition}" was not measured beside a backlog: {reason}',
    fix: 'let more wait (--backlog-hours), or change --catch-up-bits-per-second or --seconds',
  },
  GOSHAWK_CHILD_FAILED: {
    message: '"{command}" {reason}; its last lines:\n{output}',
    fix: 'run the same command by itself, and fix what it reports',
  },
  GOSHAWK_CAMERA_SPEC: {
    message: 'camera "{spec}" is not understood: {reason}',
    fix: 'use sim, sim:seed=7,fog=0.3, dir:PATH, or mcap:FILE (optionally followed by ,topic=/x or ,loop=false)',
  },
  GOSHAWK_CAMERA_UNUSABLE: {
    message: 'camera {camera} has no images: {reason}',
    fix:
      'check the path, its permissions and its content (JPEG or PNG files; ROS 2 recordings ' +
      'with images, docs/ros.md)',
  },
  GOSHAWK_INTERRUPTED: {
    message: '{what} was interrupted; nothing was written',
    fix: 'run it again',
  },
  GOSHAWK_OUTPUT_REFUSED: {
    message: '{path} cannot be written: {reason}',
    fix:
      'choose a path that you can write to: the folder of a file must exist, a folder for ' +
      'results must be empty or not exist yet',
  },
  GOSHAWK_NO_SPACE: {
    message: 'no space left in {path}: {reason}',
    fix:
      'free some space, or name a folder on another disk; finished steps are kept, and the ' +
      'next run continues from there',
  },
  GOSHAWK_OPTIMIZE_ENVIRONMENT: {
    message: 'the Python environment of "goshawk optimize" cannot be set up: {reason}',
    fix: '{fix}',
  },
  GOSHAWK_OPTIMIZE_QUANTIZER: {
    message: 'the quantizer failed at {step}: {reason}',
    fix:
      'see its log, {log}; check that the model runs ("goshawk models import"), then run it ' +
      'again: finished steps are kept',
  },
  GOSHAWK_OPTIMIZE_PICTURES: {
    message: 'calibration folder {folder} is not usable: {reason}',
    fix: 'fill it with JPEG or PNG images of what the camera sees, without broken files; nothing was written',
  },
  GOSHAWK_OPTIMIZE_OVERLAP: {
    message:
      '{count} of the {total} calibration images in {folder} are also labeled images, pixel for pixel: {images}',
    fix:
      'the loss measured on calibration images is too optimistic: calibrate with other images, ' +
      'or give other labeled ones (--annotations, --images); nothing was written',
  },
  GOSHAWK_OPTIMIZE_UNJUDGED: {
    message: 'accuracy cannot be measured with {file}: {reason}',
    fix: 'give labeled images in which the model finds something (--annotations, --images); nothing was written',
  },
  GOSHAWK_OPTIMIZE_TARGET: {
    message: 'no variant above the accuracy floor takes {target} ms or less: the fastest takes {fastest} ms',
    fix:
      'allow a larger --max-ap-drop, more --threads or a longer --max-latency-ms; no bundle ' +
      'was written, the report lists what was tried',
  },
  GOSHAWK_OPTIMIZE_BUSY: {
    message: 'another "goshawk optimize" (process {pid}) is working in {folder}',
    fix: 'wait for it, or give another --work folder',
  },
  GOSHAWK_ENGINE_INPUT: {
    message: 'variant {variant} of {bundle} cannot become a TensorRT engine: {reason}',
    fix: 'choose another --variant; "goshawk optimize" makes an int8 variant that follows the rules of TensorRT',
  },
  GOSHAWK_ENGINE_FILE: {
    message: '{file} is not a TensorRT engine that can be wrapped: {reason}',
    fix: 'build it with scripts/jetson/build-engine or trtexec --saveEngine (docs/jetson.md, "Engines")',
  },
  GOSHAWK_LINEAGE_INVALID: {
    message: 'the lineage of {bundle} cannot be followed: {reason}',
    fix: 'correct the parents in its bundle.json, or rebuild the bundle from its source',
  },
  GOSHAWK_REFERENCES_INVALID: {
    message: 'the references of bundle {bundle} cannot be used: {reason}',
    fix: 'fetch the bundle again, or create a version with new references: goshawk models add-references BUNDLE',
  },
  GOSHAWK_REFERENCE_MISMATCH: {
    message: 'bundle {bundle} does not reproduce its reference outputs on this machine: {reasons}',
    fix:
      'choose another --variant or provider, or make a variant for this machine (goshawk ' +
      'optimize); rebuild an engine on this machine (docs/models.md, "References")',
  },
  GOSHAWK_CACHE_IGNORED: {
    message: 'the cached measurement {file} is not used: {reason}',
    fix: 'no action needed: it is measured again; remove the file if this repeats',
  },
  GOSHAWK_CACHE_UNWRITABLE: {
    message: 'measurements cannot be cached in {folder}: {reason}',
    fix: 'every start measures again; set GOSHAWK_CACHE to a writable folder',
  },
  GOSHAWK_NODE_TOO_OLD: {
    message: 'Goshawk runs on Node {wanted} or newer, and this is Node {version}',
    fix:
      'install Node 24 (nvm install 24), or run "npm run setup", which fetches it for Goshawk alone, and start ' +
      'Goshawk by scripts/bin/goshawk',
  },
  GOSHAWK_INTERNAL: { message: '{reason}', fix: 'this is a bug: please report it with the log' },
} as const satisfies Record<string, { message: string; fix: string }>;

export type ErrorCode = keyof typeof ERROR_TEMPLATES;

/** Values for the placeholders of a template. They appear in logs, so they must not contain secrets. */
export type ErrorDetails = Readonly<Record<string, string | number | boolean>>;

function fill(template: string, details: ErrorDetails): string {
  return template.replace(/\{(\w+)(?:\|([^}]*))?\}/g, (whole, name: string, otherwise?: string) =>
    String(details[name] ?? otherwise ?? whole),
  );
}

/** An error with a stable code, the thing at fault and what to do about it. */
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

/** One line for a log or a terminal: code, message and fix. */
export function describeError(error: unknown): string {
  if (error instanceof GoshawkError) return `${error.code}: ${error.message} (${error.fix})`;
  return error instanceof Error ? error.message : String(error);
}
