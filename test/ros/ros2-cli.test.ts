import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { childrenOf, ROOT, RosBench } from './support/ros-process.ts';
import { shippedBundle } from '../support/shipped-bundle.ts';
import { describeWith, ROS2_COMMAND } from '../support/needs.ts';

const bundle = shippedBundle();
const NODE = '/goshawk/detector';

// The command mostly waits until it has found the node, so the tests run at once, each in a domain of its own.
describeWith(ROS2_COMMAND, 'the ros2 command', () => {
  let prefix: string;

  beforeAll(() => {
    prefix = mkdtempSync(join(tmpdir(), 'goshawk-ament-'));
    execFileSync(join(ROOT, 'scripts/install-ament'), [prefix]);
  });
  afterAll(() => {
    rmSync(prefix, { recursive: true });
  });

  /** Runs a test in the domain of `slot`, and ends what it started. */
  const inDomain = (slot: number, test: (bench: RosBench) => Promise<void>) => async (): Promise<void> => {
    const paths = `${prefix}:${process.env['AMENT_PREFIX_PATH'] ?? ''}`;
    const bench = new RosBench(slot, { AMENT_PREFIX_PATH: paths });
    try {
      await test(bench);
    } finally {
      await bench.close();
    }
  };

  const launchArguments = ['launch', 'goshawk', 'perception.launch.py'];

  it.concurrent(
    'launches the node, which configures and activates, and ends everything on SIGINT',
    inDomain(13, async (bench) => {
      const launch = bench.start(
        'ros2',
        ...launchArguments,
        `bundle:=${bundle}`,
        'image_topics:=/front/image_raw,/rear/image_raw',
        'robot:=7',
        'tracking:=true',
      );
      await launch.waitFor(/the detector is active/, 60);
      expect(launch.output).toMatch(/\/rear\/image_raw -> \/rear\/detections/);
      expect(launch.output).not.toMatch(/YAMLWarning/);
      await bench.ros2Until(/^active/m, 'lifecycle', 'get', NODE);
      await bench.ros2Until(/String value is: 7/, 'param', 'get', NODE, 'robot');
      await bench.ros2Until(/Boolean value is: True/, 'param', 'get', NODE, 'tracking');
      expect(await launch.stop('SIGINT', 'alone')).toBe(0);
      expect(launch.output).toMatch(/process has finished cleanly/);
      expect(launch.isGone).toBe(true);
    }),
  );

  it.concurrent(
    'restarts the node if it dies, up to active',
    inDomain(14, async (bench) => {
      const launch = bench.start('ros2', ...launchArguments, `bundle:=${bundle}`, 'respawn:=true');
      await launch.waitFor(/the detector is active/, 60);
      const [pid] = childrenOf(launch.pid);
      process.kill(pid!, 'SIGKILL');
      await launch.waitFor(/process has died[^]*the detector is active/, 90);
      expect(await launch.stop('SIGINT', 'alone')).toBe(0);
    }),
  );

  it.concurrent(
    'moves a separately started node through its states',
    inDomain(15, async (bench) => {
      const run = bench.start(
        'ros2',
        'run',
        'goshawk',
        'detector',
        '--ros-args',
        '-p',
        `bundle:=${bundle}`,
        '-p',
        'autostart:=false',
      );
      await bench.ros2Until(/^unconfigured/m, 'lifecycle', 'get', NODE);
      const steps = [
        ['configure', 'inactive'],
        ['activate', 'active'],
        ['deactivate', 'inactive'],
        ['activate', 'active'],
        ['deactivate', 'inactive'],
        ['cleanup', 'unconfigured'],
        ['configure', 'inactive'],
        ['shutdown', 'finalized'],
      ] as const;
      for (const [transition, state] of steps) {
        await bench.ros2Until(/Transitioning successful/, 'lifecycle', 'set', NODE, transition);
        await bench.ros2Until(new RegExp(`^${state}`, 'm'), 'lifecycle', 'get', NODE);
      }
      expect(await run.stop('SIGINT')).toBe(0);
      expect(run.isGone).toBe(true);
    }),
  );

  it.concurrent(
    'sets parameters, and reports why a value is refused',
    inDomain(16, async (bench) => {
      const run = bench.start('ros2', 'run', 'goshawk', 'detector', '--ros-args', '-p', `bundle:=${bundle}`);
      await run.waitFor(/the detector is active/, 60);
      const set = (name: string, value: string) =>
        bench.ros2Until(/parameter|failed/, 'param', 'set', NODE, name, value);
      const get = (name: string) => bench.ros2Until(/value/, 'param', 'get', NODE, name);

      expect(await set('score_threshold', '0.7')).toMatch(/successful/);
      expect(await get('score_threshold')).toMatch(/0\.7/);
      expect(await set('score_threshold', '1')).toMatch(/successful/);
      expect(await set('score_threshold', '1.5')).toMatch(/GOSHAWK_PARAMETER_INVALID.*from 0 to 1/);
      expect(await get('score_threshold')).toMatch(/1\.0/);
      await Promise.all([
        expect(set('max_detections', 'many')).resolves.toMatch(
          /a whole number, not a string[^]*give a whole number from 1 to 10000; the old value stays/,
        ),
        expect(set('use_sim_time', 'soon')).resolves.toMatch(
          /use_sim_time.*a boolean, not a string.*give true or false/,
        ),
        expect(set('bundle', 'other')).resolves.toMatch(
          /read at configure; deactivate and clean up the node/,
        ),
        expect(set('http_port', '8081')).resolves.toMatch(/read once, when the node starts/),
        expect(set('no_such_parameter', '1')).resolves.toMatch(/there is no parameter no_such_parameter/),
      ]);
      expect(await set('class_filter', '[unicorn]')).toMatch(/GOSHAWK_PARAMETER_INVALID.*unicorn/);
      expect(await set('class_filter', '[person]')).toMatch(/successful/);
      expect(await set('class_filter', '[]')).toMatch(/successful/);
      expect(await set('class_filter', 'car')).toMatch(/successful/);
      expect(await get('class_filter')).toMatch(/\['car'\]/);
      expect(await set('class_filter', '[]')).toMatch(/successful/);
      const described = await bench.ros2Until(/Constraints/, 'param', 'describe', NODE, 'iou_threshold');
      expect(described).toMatch(/Min value: 0\.0\s+Max value: 1\.0/);
      expect(run.output).not.toMatch(/Error processing/);
      expect(run.isRunning).toBe(true);
    }),
  );

  it.concurrent(
    'shows results, their rate, labels, images and diagnostics',
    inDomain(17, async (bench) => {
      const run = bench.start(
        'ros2',
        ...launchArguments,
        `bundle:=${bundle}`,
        'image_topics:=/front/image_raw',
      );
      await run.waitFor(/the detector is active/, 60);
      const camera = bench.peer('raw_camera.py', '--topic', '/front/image_raw', '--rate', '10');
      await camera.waitFor(/publishing/);

      const latched = ['--qos-durability', 'transient_local', '--qos-reliability', 'reliable'];
      const once = (topic: string, pattern: RegExp, ...more: string[]) =>
        bench.ros2Until(pattern, 'topic', 'echo', '--once', ...more, topic);
      expect(await once('/front/detections', /frame_id: front_optical/)).toMatch(/detections:/);
      expect(await once('/front/detections/vision_info', /method: /, ...latched)).toMatch(
        /database_location: .*bundle\.json/,
      );
      expect(await once('/front/detections/image', /encoding: rgb8/, '--no-arr')).toMatch(/width: 640/);
      await once('/front/detections/image/compressed', /format: jpeg/, '--no-arr');
      const diagnostics = await once('/diagnostics', /camera front/);
      expect(diagnostics).toMatch(/key: received/);
      await once('/goshawk/detector/debug/processing_time_ms', /data: \d/);

      const hz = bench.start('ros2', 'topic', 'hz', '/front/detections');
      await hz.waitFor(/average rate: \d/, 60);
    }),
  );
});

describeWith(ROS2_COMMAND, 'the ament package', () => {
  it('is the same by CMake and by scripts/install-ament', () => {
    const folder = mkdtempSync(join(tmpdir(), 'goshawk-cmake-'));
    try {
      const byCmake = join(folder, 'cmake');
      const byScript = join(folder, 'script');
      const cmake = (...args: string[]) => execFileSync('cmake', args, { cwd: ROOT, stdio: 'pipe' });
      cmake('-S', ROOT, '-B', join(folder, 'build'), `-DCMAKE_INSTALL_PREFIX=${byCmake}`);
      cmake('--install', join(folder, 'build'));
      execFileSync(join(ROOT, 'scripts/install-ament'), [byScript]);
      for (const place of ['bin', 'lib/goshawk', 'share/goshawk/launch', 'share/goshawk/launch/params']) {
        expect(readdirSync(join(byScript, place)).sort()).toEqual(readdirSync(join(byCmake, place)).sort());
      }
      for (const file of ['packages/goshawk', 'package_run_dependencies/goshawk']) {
        const path = `share/ament_index/resource_index/${file}`;
        const [script, cmakes] = [byScript, byCmake].map((root) =>
          readFileSync(join(root, path), 'utf8').trim(),
        );
        expect(script).toBe(cmakes);
      }
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
