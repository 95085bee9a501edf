import { setTimeout as sleep } from 'node:timers/promises';
import { GoshawkError } from '../../contract/errors.ts';
import type { Status } from '../../contract/status.ts';
import { childEnvironment } from '../../platform/child-environment.ts';
import { ChildProcess, lastLines } from '../../platform/child-process.ts';
import { fetchStatus } from './status-client.ts';

const POLL_MS = 250;
const START_LIMIT_MS = 60_000;
/** Results of the camera's last frames arrive within this time. */
const SETTLE_MS = 500;

export interface RosDemoOptions {
  /** entry files of the two nodes */
  readonly nodes: { readonly camera: string; readonly detector: string };
  readonly camera: Readonly<Record<string, string>>;
  readonly detector: Readonly<Record<string, string>>;
  /** address of the detector's page */
  readonly url: string;
  /** stops the demo */
  readonly signal: AbortSignal;
  readonly onFirstDetection: () => void;
  readonly say: (line: string) => void;
  readonly onStatus: (status: Status) => void;
}

/** Lines of the nodes' logs that the user should see. */
const WORTH_SHOWING = /\[(WARN|ERROR|FATAL)\]|GOSHAWK_/;

/**
 * What the detector logs if its model cannot be loaded or its page cannot be served: it then waits for an operator, or
 * works without, which does not make a demo.
 */
const COULD_NOT_START = /configure failed|GOSHAWK_PORT_IN_USE/;

function nodeArguments(entry: string, parameters: Readonly<Record<string, string>>): string[] {
  return [
    entry,
    '--ros-args',
    ...Object.entries(parameters).flatMap(([name, value]) => ['-p', `${name}:=${value}`]),
  ];
}

/** Waits for the first published frame. @returns false if the demo was stopped before */
async function untilPublished(options: RosDemoOptions, failed: () => GoshawkError | null): Promise<boolean> {
  const limit = Date.now() + START_LIMIT_MS;
  while (!options.signal.aborted) {
    const failure = failed();
    if (failure !== null) throw failure;
    const status = await fetchStatus(options.url);
    if (status !== null && status.frames.published > 0) return true;
    if (Date.now() > limit) {
      throw new GoshawkError('GOSHAWK_DEMO_SILENT', { seconds: START_LIMIT_MS / 1000 });
    }
    await sleep(POLL_MS, undefined, { signal: options.signal }).catch(() => undefined);
  }
  return false;
}

/**
 * Camera node and detector node as two processes over real ROS 2, watched through the detector's page, until `signal`.
 * Stops the camera first, so that the detector can finish what is in flight.
 * @returns false if it was stopped before the first detection
 * @throws GoshawkError GOSHAWK_DEMO_NODE_FAILED, GOSHAWK_DEMO_NODE_ENDED, GOSHAWK_DEMO_SILENT
 */
export async function runRosDemo(options: RosDemoOptions): Promise<boolean> {
  const started = performance.now();
  const failures: GoshawkError[] = [];
  const startNode = (
    name: string,
    entry: string,
    parameters: Readonly<Record<string, string>>,
  ): ChildProcess => {
    const child = new ChildProcess({
      command: process.execPath,
      args: nodeArguments(entry, parameters),
      // the demo's broker has no users
      env: childEnvironment(),
      // Ctrl-C in the terminal reaches only this program, which then stops the nodes in order
      ownGroup: true,
      onLine: (line) => {
        if (WORTH_SHOWING.test(line)) options.say(line);
        if (COULD_NOT_START.test(line)) failures.push(new GoshawkError('GOSHAWK_DEMO_NODE_FAILED', { name }));
      },
    });
    void child.ended.then(({ error }) => {
      const output = error ?? lastLines(child.output);
      failures.push(new GoshawkError('GOSHAWK_DEMO_NODE_ENDED', { name, output }));
    });
    return child;
  };
  const detector = startNode('detector', options.nodes.detector, options.detector);
  const camera = startNode('camera', options.nodes.camera, options.camera);
  const killAll = (): void => [camera, detector].forEach((child) => child.kill('SIGKILL'));
  process.once('exit', killAll);
  try {
    if (!(await untilPublished(options, () => failures[0] ?? null))) {
      return false;
    }
    options.onFirstDetection();
    options.say(`first detections after ${((performance.now() - started) / 1000).toFixed(1)} s`);
    while (!options.signal.aborted) {
      if (failures[0] !== undefined) throw failures[0];
      const status = await fetchStatus(options.url);
      if (status !== null) options.onStatus(status);
      await sleep(1000, undefined, { signal: options.signal }).catch(() => undefined);
    }
    return true;
  } finally {
    await camera.stop();
    await sleep(SETTLE_MS);
    await detector.stop();
    process.removeListener('exit', killAll);
  }
}
