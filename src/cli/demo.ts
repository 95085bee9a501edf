import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import type { Command } from 'commander';
import { GoshawkError } from '../contract/errors.ts';
import { PROVIDERS } from '../contract/providers.ts';
import { PART_PARAMETERS } from '../device/parts.ts';
import { ANY_FREE_PORT } from '../device/web/web-part.ts';
import { EmbeddedBroker } from '../fleet/broker/embedded-broker.ts';
import { runRosDemo } from '../tools/demo/ros-demo.ts';
import { statusLine } from '../tools/demo/status-line.ts';
import { freePort, portIfFree } from '../platform/free-port.ts';
import { checkOutputFiles } from '../platform/outputs.ts';
import { parameterValues } from './kit/parameter-options.ts';
import { DemoFleet } from './demo-fleet.ts';
import { run, type RunFlags } from './run.ts';
import { given } from './kit/given.ts';
import { LiveLine } from './kit/live-line.ts';
import { numberFrom, sizeOption, wholeFrom, type Size } from './kit/options.ts';
import { rosNodes } from './kit/ros-nodes.ts';
import { untilStopped } from './kit/stop-signal.ts';

const HOST = '127.0.0.1';
const DEFAULT_PORT = 8080;
const FLEET_PORT = 8090;
/** What the demo keeps from one run to the next. */
const DEFAULT_FOLDER = '.goshawk';

const SITE = 'demo';

interface DemoFlags {
  readonly seconds?: number;
  readonly report?: string;
  readonly port?: number;
  readonly bundle: string;
  readonly size: Size;
  readonly rate: number;
  readonly folder: string;
}

/** The requested port, otherwise the usual one, otherwise any: the demo must not fail because the port is taken. */
async function choosePort(port: number | undefined): Promise<number> {
  if (port === undefined) return freePort(DEFAULT_PORT);
  const free = await portIfFree(port);
  if (free === null) throw new GoshawkError('GOSHAWK_PORT_IN_USE', { port, host: HOST, option: '--port' });
  return free;
}

/** Why the demo cannot use ROS 2 here; null if it can. */
function whyNoRos(): string | null {
  if (process.env['GOSHAWK_NO_ROS'] === '1') return 'GOSHAWK_NO_ROS is set';
  if (process.env['AMENT_PREFIX_PATH'] === undefined) return 'there is no ROS 2 environment';
  const rclnodejs = createRequire(import.meta.url).resolve('rclnodejs/package.json');
  if (!existsSync(join(rclnodejs, '../generated'))) return 'rclnodejs has not been built against a ROS 2';
  return null;
}

async function demo(flags: DemoFlags): Promise<void> {
  await checkOutputFiles(flags.report);
  const line = new LiveLine(process.stdout);
  const port = await choosePort(flags.port);
  const broker = await EmbeddedBroker.listen(0);
  const url = `http://${HOST}:${port}`;
  line.say(`page: ${url}   metrics: ${url}/metrics   MQTT: ${broker.url}   (Ctrl-C to stop)`);
  const fleet = new DemoFleet({
    broker: broker.url,
    folder: join(flags.folder, 'fleet'),
    http: { host: HOST, port: await freePort(FLEET_PORT) },
    say: (text) => line.say(text),
  });
  try {
    const noRos = whyNoRos();
    if (noRos === null) {
      line.say('camera node -> ROS 2 -> detector node; results on /camera/detections');
      await runWithRos(flags, port, broker, fleet, line);
    } else {
      line.say(`no ROS 2 (${noRos}): running the same pipeline with a camera inside this process`);
      await runWithoutRos(flags, port, broker.url, { line, fleet });
    }
  } finally {
    await fleet.stop();
    await broker.close();
  }
}

/** Where telemetry of the demo waits until the fleet has stored it. */
function outboxOf({ folder }: DemoFlags): string {
  return join(folder, 'demo/outbox');
}

/** Camera and detector as nodes of their own. */
async function runWithRos(
  flags: DemoFlags,
  port: number,
  broker: EmbeddedBroker,
  fleet: DemoFleet,
  line: LiveLine,
): Promise<void> {
  const hasDetected = await untilStopped(null, ({ signal, endAfter }) => {
    fleet.start();
    return runRosDemo({
      nodes: rosNodes(),
      camera: {
        source: 'sim',
        topic: '/camera/image_raw',
        rate: flags.rate.toFixed(2),
        width: String(flags.size.width),
        height: String(flags.size.height),
      },
      detector: {
        image_topics: '["/camera/image_raw"]',
        bundle: flags.bundle,
        autostart: 'true',
        http_host: HOST,
        http_port: String(port),
        telemetry: broker.url,
        telemetry_outbox: outboxOf(flags),
        site: SITE,
        ...(flags.report === undefined ? {} : { report_file: flags.report }),
      },
      url: `http://${HOST}:${port}`,
      signal,
      onFirstDetection: () => endAfter(flags.seconds),
      say: (text) => line.say(text),
      onStatus: (status) => line.show(statusLine(status, fleet.line)),
    });
  });
  if (!hasDetected) {
    line.say('ended before the first detection');
    process.exitCode = 1;
    return;
  }
  line.say(flags.report === undefined ? 'ended cleanly' : `ended cleanly; report: ${flags.report}`);
}

/** The same frame path in this process. */
async function runWithoutRos(
  flags: DemoFlags,
  port: number,
  telemetry: string,
  own: NonNullable<RunFlags['demo']>,
): Promise<void> {
  await run({
    camera: ['sim'],
    bundle: flags.bundle,
    ...given({ seconds: flags.seconds, report: flags.report }),
    rate: flags.rate,
    size: flags.size,
    preprocess: 'auto',
    engine: 'worker',
    workers: 'auto',
    threads: 'auto',
    queueDepth: 'auto',
    providers: [...PROVIDERS],
    strict: false,
    variant: 'auto',
    track: false,
    limits: {},
    node: 'demo',
    parts: {
      ...parameterValues(PART_PARAMETERS, {}),
      http_port: port === 0 ? ANY_FREE_PORT : port,
      telemetry,
      telemetry_outbox: outboxOf(flags),
      site: SITE,
    },
    demo: own,
  });
}

/** Adds `goshawk demo`, what `npm start` runs after set-up. */
export function registerDemo(program: Command): void {
  program
    .command('demo')
    .description(
      'simulated camera -> detector -> detections, with a live page, metrics, telemetry and a fleet that stores it',
    )
    .option('--seconds <n>', 'stop this many seconds after the first detections', numberFrom(0.1, 1e7))
    .option('--report <file>', 'write the run report (JSON) at the end')
    .option(
      '--port <n>',
      `port of the page (default: ${DEFAULT_PORT}, or a free one if it is taken)`,
      wholeFrom(0, 65_535),
    )
    .option('--bundle <name|path>', 'the model', 'goshawk-street')
    .addOption(sizeOption('--size <WxH>', 'camera image', { width: 640, height: 360 }))
    .option('--rate <hz>', 'frames per second', numberFrom(0.1, 1000), 30)
    .option('--folder <dir>', "for the fleet's database and for telemetry that waits", DEFAULT_FOLDER)
    .action(demo);
}
