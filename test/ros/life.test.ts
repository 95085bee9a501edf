import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import mqtt from 'mqtt';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { runReportSchema } from '../../src/contract/report.ts';
import { payloadSchemaOf, type StreamPayload } from '../../src/contract/telemetry/payloads.ts';
import { McapRecording } from '../../src/device/recording/mcap-recording.ts';
import { CAMERA_PARAMETERS } from '../../src/ros/camera/parameters.ts';
import { DETECTOR_PARAMETERS } from '../../src/ros/detector/parameters.ts';
import { foreignBytes } from '../device/authoring/foreign-detector.ts';
import { MOSQUITTO, Mosquitto } from '../support/mosquitto.ts';
import { shippedBundle } from '../support/shipped-bundle.ts';
import { messagesOf } from '../support/telemetry-messages.ts';
import { ROOT, RosBench, type RosProcess } from './support/ros-process.ts';
import { describeWith, ROS2_COMMAND } from '../support/needs.ts';

const bundle = shippedBundle();
const NODE = '/goshawk/detector';
const LAUNCH = ['launch', 'goshawk', 'perception.launch.py'];

describeWith([ROS2_COMMAND, MOSQUITTO], 'the life of the node', () => {
  let folder: string;
  let bench: RosBench;
  const running: RosProcess[] = [];

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'goshawk-life-'));
    const prefix = join(folder, 'ament');
    execFileSync(join(ROOT, 'scripts/install-ament'), [prefix]);
    bench = new RosBench(9, {
      AMENT_PREFIX_PATH: `${prefix}:${process.env['AMENT_PREFIX_PATH'] ?? ''}`,
      XDG_CACHE_HOME: join(folder, 'cache'),
    });
  });
  afterEach(async () => {
    for (const process of running.splice(0)) await process.stop();
  });
  afterAll(async () => {
    await bench.close();
    rmSync(folder, { recursive: true });
  });

  function start(...args: readonly string[]): RosProcess {
    const process = bench.start('ros2', ...args);
    running.push(process);
    return process;
  }

  const set = (name: string, value: string) =>
    bench.ros2Until(/successful/, 'param', 'set', NODE, name, value);
  const change = (transition: string) =>
    bench.ros2Until(/Transitioning successful/, 'lifecycle', 'set', NODE, transition);

  /** Windows by their numbers: those that nobody acknowledges come again. */
  function listenToTelemetry(url: string): {
    windows: () => StreamPayload<'metrics'>[];
    close: () => Promise<void>;
  } {
    const client = mqtt.connect(url);
    const received = new Map<number, StreamPayload<'metrics'>>();
    const topics = ['metrics', 'history'].map((stream) => `fleet/v1/+/+/+/${stream}`);
    client.on('connect', () => void client.subscribeAsync(topics, { qos: 1 }));
    client.on('message', (topic, payload) => {
      for (const [own, text] of messagesOf(topic, payload)) {
        if (!own.endsWith('/metrics')) continue;
        const window = payloadSchemaOf('metrics').parse(JSON.parse(text));
        received.set(window.headerId, window);
      }
    });
    const windows = () => [...received.values()].sort((a, b) => a.headerId - b.headerId);
    return { windows, close: () => client.endAsync() };
  }

  it('loads another model after cleanup, recovers from a wrong path, and counts each session separately', async () => {
    const broker = await Mosquitto.start();
    const telemetry = listenToTelemetry(broker.url);
    const bundles = [bundle, shippedBundle('goshawk-street-baseline')];
    const run = start(
      ...['run', 'goshawk', 'detector', '--ros-args', '-p', 'autostart:=false'],
      ...['-p', 'image_topics:=/front/image_raw', '-p', 'bundle:=/no/such/bundle'],
      ...['-p', `telemetry:=${broker.url}`, '-p', 'robot:=7', '-p', 'site:=no'],
    );
    await bench.ros2Until(/Transitioning failed/, 'lifecycle', 'set', NODE, 'configure');
    await run.waitFor(/configure failed: GOSHAWK_BUNDLE_NOT_FOUND: .*\/no\/such\/bundle/);

    const reports = ['first.json', 'second.json'].map((name) => join(folder, name));
    for (const [index, report] of reports.entries()) {
      await set('bundle', bundles[index]!);
      await set('report_file', report);
      await change('configure');
      await change('activate');
      // the second session gets fewer frames than the first: counts that continued would become negative
      const camera = bench.peer('raw_camera.py', '--topic', '/front/image_raw');
      const count = index === 0 ? '40' : '5';
      await bench.peer('detection_probe.py', '--topic', '/front/detections', '--count', count).exit;
      await camera.stop();
      await change('deactivate');
      await change('cleanup');
    }
    expect(await run.stop('SIGINT')).toBe(0);
    await telemetry.close();
    await broker.stop();
    const windows = telemetry.windows();

    expect(run.output).not.toMatch(/GOSHAWK_TELEMETRY_INVALID|ZodError/);
    const written = reports.map((file) => runReportSchema.parse(JSON.parse(readFileSync(file, 'utf8'))));
    const sessions = windows
      .map(({ bundle: ran }) => ran?.digest ?? '')
      .filter((one, i, all) => one !== all[i - 1]);
    expect(sessions.filter((digest) => digest !== '')).toEqual(written.map(({ bundle: ran }) => ran.digest));
    for (const { bundle: ran, frames } of written) {
      const counts = windows
        .filter(({ bundle: loaded }) => loaded?.digest === ran.digest)
        .map(({ cameras }) => cameras[0]!.published);
      expect(frames.published).toBeGreaterThanOrEqual(5);
      expect(counts.reduce((sum, count) => sum + count, 0)).toBe(frames.published);
    }
    for (const [index, { window, serialNumber }] of windows.entries()) {
      expect(serialNumber).toMatch(/^7/);
      if (index > 0) expect(window.start).toBe(windows[index - 1]!.window.end);
    }
  });

  it('reports start values that it refuses, with matching hints, and continues', async () => {
    const file = join(folder, 'start.yaml');
    writeFileSync(file, '/goshawk/detector: {ros__parameters: {use_sim_time: "true", workers: many}}\n');
    const run = start(
      ...['run', 'goshawk', 'detector', '--ros-args', '--params-file', file, '-p', `bundle:=${bundle}`],
      ...['-p', 'image_topics:=/front/image_raw', '-p', `report_file:=${join(folder, 'nowhere', 'r.json')}`],
    );
    await run.waitFor(/the detector is active/, 60);
    expect(run.output).toMatch(
      new RegExp(
        'GOSHAWK_PARAMETER_INVALID: parameter use_sim_time = "true" is not valid: it must be a boolean, not a ' +
          'string \\(from .*start\\.yaml.*give true or false; until then the default false',
      ),
    );
    expect(run.output).toMatch(/parameter workers = "many".*give a whole number from 0 to 16 or auto/);
    expect(run.output).toMatch(/report_file: GOSHAWK_OUTPUT_REFUSED: .*there is no folder/);
    expect(run.output).toMatch(/\/front\/image_raw -> \/front\/detections/);
  });

  it('launches any ONNX file, and names unknown arguments', async () => {
    const model = join(folder, 'net.onnx');
    writeFileSync(model, foreignBytes({ layout: 'channels', classes: 3 }));
    const launch = start(
      ...LAUNCH,
      ...[`bundle:=${model}`, 'image_topics:=/front/image_raw', 'image_type:=raw', 'bundel:=other'],
    );
    await launch.waitFor(/the detector is active/, 60);
    expect(launch.output).toMatch(/net\.onnx was imported as yolov8: .*64x64/);
    expect(launch.output).toMatch(/net@1\.0\.0 \(\S+\) on cpu: loaded/);
    expect(launch.output).toMatch(/unknown launch argument bundel has no effect: did you mean bundle\?/);
    await bench.ros2Until(/String value is: raw/, 'param', 'get', NODE, 'image_type');
    const camera = bench.peer('raw_camera.py', '--topic', '/front/image_raw');
    running.push(camera);
    const probe = bench.peer('detection_probe.py', '--topic', '/front/detections', '--count', '3');
    await probe.exit;
    expect(probe.output).toMatch(/"received": 3/);
    expect(await launch.stop('SIGINT', 'alone')).toBe(0);
  });

  it('has every parameter as a launch argument', async () => {
    const shown = await bench.ros2(...LAUNCH, '--show-args');
    const listed = [...shown.matchAll(/^ {4}'(\w+)':/gm)].map(([, name]) => name!);
    expect(listed).toEqual(expect.arrayContaining([...Object.keys(DETECTOR_PARAMETERS), 'use_sim_time']));
    const demo = await bench.ros2('launch', 'goshawk', 'demo.launch.py', '--show-args');
    for (const name of ['source', 'rate', 'width', 'height']) {
      expect(Object.keys(CAMERA_PARAMETERS)).toContain(name);
      expect(demo).toMatch(new RegExp(`^ {4}'${name}':`, 'm'));
    }
  });

  it('records a clip of its cameras when the service ~/capture is called', async () => {
    const clips = join(folder, 'clips');
    const parameters = {
      bundle,
      image_topics: '["/front/image_raw"]',
      capture_dir: clips,
      capture_after_s: '0.2',
    };
    const detector = bench.node('detector', parameters);
    running.push(detector);
    await detector.waitFor(/the detector is active/, 60);
    running.push(bench.peer('raw_camera.py', '--topic', '/front/image_raw', '--rate', '10'));
    const call = ['service', 'call', `${NODE}/capture`, 'std_srvs/srv/Trigger'];
    for (let clips = 0; clips === 0; clips = Number(/: (\d+) frames, /.exec(detector.output)?.[1] ?? 0))
      await bench.ros2Until(/success=True, message='\w+-manual-/, ...call);
    const [file] = readdirSync(clips).filter((name) => name.endsWith('.mcap'));
    const recording = await McapRecording.open(join(clips, file ?? ''));
    expect(recording.topics.map(({ name }) => name)).toContain('/front/image/compressed');
    await recording.close();
  });
});
