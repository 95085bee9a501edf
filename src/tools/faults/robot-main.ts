import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { Worker } from 'node:worker_threads';
import type { StreamMessage } from '../../device/telemetry/protocol.ts';
import { entryUrl } from '../../platform/entry.ts';
import { runCamera } from './robot-camera.ts';
import { parseCommand, faultRobotSchema, type RobotCommand } from './robot-protocol.ts';

/**
 * A robot of `goshawk fleet faults`: it feeds its telemetry thread quickly, and runs the frame path of a real robot if
 * it has a camera. It takes faults of disk and clock as lines of its standard input.
 */
const settings = faultRobotSchema.parse(JSON.parse(process.argv[2] ?? '{}'));

/** A real one sends both every 10 s. Faults are to meet messages; beside frames that are measured, fewer will do. */
const [METRICS_MS, STATE_MS] = settings.camera === null ? [40, 200] : [400, 1_000];
let clockOffsetMs = 0;

function startTelemetry(): Worker {
  const worker = new Worker(entryUrl(import.meta.url, './robot-telemetry-main.ts'), {
    workerData: settings,
    name: 'goshawk-telemetry',
  });
  return worker.on('message', (line: string) => process.stdout.write(`${line}\n`));
}

/** null while it is off */
let telemetry: Worker | null = startTelemetry();

const tell = (message: StreamMessage | RobotCommand): void => telemetry?.postMessage(message);

/** What waits stays on the disk until it is on again: a boot of its own. */
async function setTelemetry(isOn: boolean): Promise<void> {
  const ending = telemetry;
  if (isOn) telemetry ??= startTelemetry();
  else if (ending !== null) {
    const ended = once(ending, 'exit');
    tell({ type: 'telemetry', isOn });
    telemetry = null;
    await ended;
  }
  process.stdout.write(`telemetry ${isOn ? 'on' : 'off'}\n`);
}

function sendMetrics(): void {
  const end = new Date(Date.now() + clockOffsetMs);
  const body = {
    window: { start: new Date(end.getTime() - METRICS_MS).toISOString(), end: end.toISOString() },
    bundle: null,
    cameras: [],
    process: { residentBytes: 1, eventLoopDelayP99Ms: 0.1 },
    host: {},
  };
  tell({ type: 'message', stream: 'metrics', body });
}

function sendState(): void {
  const body = {
    uptimeSeconds: performance.now() / 1000,
    lifecycle: 'active',
    bundle: null,
    cameras: [],
    host: {},
  };
  tell({ type: 'message', stream: 'state', body });
}

const timers = [setInterval(sendMetrics, METRICS_MS), setInterval(sendState, STATE_MS)];

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const command = parseCommand(line);
    if (command.type === 'clock') clockOffsetMs += command.stepMs;
    if (command.type === 'quiet') for (const timer of timers) clearInterval(timer);
    if (command.type === 'telemetry') void setTelemetry(command.isOn);
    else tell(command);
  })
  // whoever started it is gone
  .on('close', () => process.exit());

const { camera } = settings;
if (camera !== null) await runCamera(camera.spec, camera.frames, (line) => process.stdout.write(`${line}\n`));
