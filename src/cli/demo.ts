import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { join } from 'node:path';
import type { Command } from 'commander';
import { GoshawkError } from '../contract/errors.ts';
import { EmbeddedBroker } from '../fleet/broker/embedded-broker.ts';
import { runRosDemo } from '../tools/demo/ros-demo.ts';
import { statusLine, StatusPrinter } from '../tools/demo/status-line.ts';
import { checkOutputFiles } from '../platform/outputs.ts';
import { PROVIDERS } from '../contract/bundle.ts';
import { run } from './run.ts';
import { stopSignal } from './stop-signal.ts';

const HOST = '127.0.0.1';
const DEFAULT_PORT = 8080;
const NODES = join(import.meta.dirname, '../ros/nodes');

interface DemoFlags {
  readonly seconds?: string;
  readonly report?: string;
  readonly port?: string;
  readonly bundle: string;
  readonly size: string;
  readonly rate: string;
}

/** True where nobody listens on the port. 0 asks for any free port. Returns the port. */
async function freePort(port: number): Promise<number | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(null));
    server.listen(port, HOST, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : null));
    });
  });
}

/** The port asked for, or else the usual one, or else any: a demo must not fail because someone else serves a page. */
async function choosePort(flag: string | undefined): Promise<number> {
  if (flag === undefined) return (await freePort(DEFAULT_PORT)) ?? (await freePort(0)) ?? 0;
  const port = Number(flag);
  if (!Number.isInteger(port) || port < 0 || port > 65_535) {
    throw new GoshawkError('GOSHAWK_PARAMETER_INVALID', {
      name: 'port',
      value: flag,
      reason: 'it is no port number',
    });
  }
  const free = await freePort(port);
  if (free === null) throw new GoshawkError('GOSHAWK_PORT_IN_USE', { port, host: HOST, option: '--port' });
  return free;
}

/** Why the demo cannot use ROS 2 here; null where it can. */
function whyNoRos(): string | null {
  if (process.env['GOSHAWK_NO_ROS'] === '1') return 'GOSHAWK_NO_ROS is set';
  if (process.env['AMENT_PREFIX_PATH'] === undefined) return 'there is no ROS 2 environment';
  const rclnodejs = createRequire(import.meta.url).resolve('rclnodejs/package.json');
  if (!existsSync(join(rclnodejs, '../generated'))) return 'rclnodejs has not been built against a ROS 2';
  return null;
}

function parseSeconds(flag: string | undefined): number | undefined {
  if (flag === undefined) return undefined;
  const seconds = Number(flag);
  if (!(flag.trim() !== '' && seconds > 0 && seconds < 1e7)) {
    const reason = 'it is no number above 0';
    throw new GoshawkError('GOSHAWK_PARAMETER_INVALID', { name: 'seconds', value: flag, reason });
  }
  return seconds;
}

function parseSize(size: string): { width: string; height: string } {
  const match = /^(\d{2,4})x(\d{2,4})$/.exec(size);
  if (match?.[1] === undefined || match[2] === undefined) {
    throw new GoshawkError('GOSHAWK_PARAMETER_INVALID', {
      name: 'size',
      value: size,
      reason: 'it is not WIDTHxHEIGHT',
    });
  }
  return { width: match[1], height: match[2] };
}

async function demo(flags: DemoFlags): Promise<void> {
  const seconds = parseSeconds(flags.seconds);
  await checkOutputFiles(flags.report);
  const printer = new StatusPrinter(process.stdout);
  const port = await choosePort(flags.port);
  const broker = await EmbeddedBroker.listen(0);
  const url = `http://${HOST}:${port}`;
  printer.say(`page: ${url}   metrics: ${url}/metrics   MQTT: ${broker.url}   (Ctrl-C ends)`);
  try {
    const noRos = whyNoRos();
    if (noRos === null) {
      printer.say('camera node -> ROS 2 -> detector node; results on /camera/detections');
      await runWithRos(flags, seconds, port, broker, printer);
    } else {
      printer.say(`no ROS 2 (${noRos}): the same pipeline with a camera inside this process`);
      await runWithoutRos(flags, seconds, port, broker.url);
    }
  } finally {
    await broker.close();
  }
}

async function runWithRos(
  flags: DemoFlags,
  seconds: number | undefined,
  port: number,
  broker: EmbeddedBroker,
  printer: StatusPrinter,
): Promise<void> {
  const { signal, endAfter, release } = stopSignal();
  let messages = 0;
  broker.onMessage(() => (messages += 1));
  try {
    const hasDetected = await runRosDemo({
      nodes: { camera: join(NODES, 'camera.js'), detector: join(NODES, 'detector.js') },
      camera: {
        source: 'sim',
        topic: '/camera/image_raw',
        rate: Number(flags.rate).toFixed(2),
        ...parseSize(flags.size),
      },
      detector: {
        image_topics: '["/camera/image_raw"]',
        bundle: flags.bundle,
        autostart: 'true',
        http_host: HOST,
        http_port: String(port),
        telemetry: broker.url,
        ...(flags.report === undefined ? {} : { report_file: flags.report }),
      },
      url: `http://${HOST}:${port}`,
      signal,
      onFirstDetection: () => endAfter(seconds),
      say: (line) => printer.say(line),
      onStatus: (status) => printer.show(`${statusLine(status)}, ${messages} messages`),
    });
    if (!hasDetected) {
      printer.say('ended before the first detection');
      process.exitCode = 1;
      return;
    }
    printer.say(flags.report === undefined ? 'ended cleanly' : `ended cleanly; report: ${flags.report}`);
  } finally {
    release();
  }
}

/** The same frame path in this process. */
async function runWithoutRos(
  flags: DemoFlags,
  seconds: number | undefined,
  port: number,
  telemetry: string,
): Promise<void> {
  const { width, height } = parseSize(flags.size);
  await run({
    camera: ['sim'],
    bundle: flags.bundle,
    ...(seconds === undefined ? {} : { seconds }),
    ...(flags.report === undefined ? {} : { report: flags.report }),
    rate: Number(flags.rate),
    size: { width: Number(width), height: Number(height) },
    preprocess: 'auto',
    engine: 'worker',
    workers: null,
    threads: null,
    queueDepth: null,
    providers: [...PROVIDERS],
    strict: false,
    variant: 'auto',
    track: false,
    port,
    allowHost: [],
    telemetry,
    site: 'demo',
    robot: '',
    node: 'demo',
  });
}

/** Adds `goshawk demo`, what `npm start` runs after set-up. */
export function registerDemo(program: Command): void {
  program
    .command('demo')
    .description('simulated camera -> detector -> detections, with a live page, metrics and telemetry')
    .option('--seconds <n>', 'end so many seconds after the first detections')
    .option('--report <file>', 'write the run report (JSON) at the end')
    .option('--port <n>', `port of the page (default: ${DEFAULT_PORT}, or a free one where it is taken)`)
    .option('--bundle <name|path>', 'the model', 'goshawk-street')
    .option('--size <WxH>', 'camera image', '640x360')
    .option('--rate <hz>', 'frames a second', '30')
    .action(demo);
}
