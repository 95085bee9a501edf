import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeMadeUpReference } from '../support/made-up-reference.ts';
import { describeWith, ROS2_COMMAND } from '../support/needs.ts';
import { shippedBundle } from '../support/shipped-bundle.ts';
import { jsonLines, ROOT, RosBench, type RosProcess } from './support/ros-process.ts';

const POLICY = `
schema: goshawk.drift-policy/1
rules:
  - name: slow_down
    when: { verdict: input-changed }
    allow_on_input_change: true
    do: [{ safe_mode: { topic: ~/safe_mode, message: slow, over: normal } }, { set: { score_threshold: 0.6 } }]
`;
const NAME = '/goshawk/detector: drift policy';

interface Entry {
  readonly level: number;
  readonly message: string;
  readonly values: Readonly<Record<string, string>>;
}

describeWith(ROS2_COMMAND, 'a policy under ros2 launch', () => {
  const folder = mkdtempSync(join(tmpdir(), 'goshawk-drift-launch-'));
  const prefix = join(folder, 'ament');
  const bench = new RosBench(11, {
    AMENT_PREFIX_PATH: `${prefix}:${process.env['AMENT_PREFIX_PATH'] ?? ''}`,
  });
  let launch: RosProcess;

  beforeAll(async () => {
    execFileSync(join(ROOT, 'scripts/install-ament'), [prefix]);
    await writeMadeUpReference(join(folder, 'reference.json'));
    writeFileSync(join(folder, 'policy.yaml'), POLICY);
    launch = bench.start(
      ...(['ros2', 'launch', 'goshawk', 'perception.launch.py'] as const),
      ...[`bundle:=${shippedBundle()}`, 'image_topics:=/front/image_raw', 'drift_window_s:=2'],
      ...[`drift_reference:=${join(folder, 'reference.json')}`, 'drift_false_alarms_per_week:=10000.0'],
      `drift_policy:=${join(folder, 'policy.yaml')}`,
    );
    await launch.waitFor(/the detector is active/, 60);
    bench.peer('raw_camera.py', '--topic', '/front/image_raw', '--rate', '5');
  });
  afterAll(async () => {
    await bench.close();
    rmSync(folder, { recursive: true });
  });

  /** The newest diagnostics of the policy. */
  async function diagnosed(): Promise<Entry | undefined> {
    const probe = bench.peer('diagnostics_probe.py', '--topic', '/diagnostics', '--count', '2');
    await probe.exit;
    const [, newest] = jsonLines(probe.output) as { status?: Record<string, Entry> }[];
    return newest?.status?.[NAME];
  }

  it('acts on drift: in the log, on its topic, in diagnostics; and takes it back', async () => {
    const logged = await launch.waitFor(/POLICY_ACTION: rule slow_down.*/, 60);
    expect(logged[0]).toMatch(/camera front .*score_threshold=0\.6/);
    const probe = bench.peer('text_probe.py', '--topic', '/goshawk/detector/safe_mode', '--count', '1');
    const [entry] = await Promise.all([diagnosed(), probe.exit]);
    expect(jsonLines(probe.output)).toEqual([expect.objectContaining({ data: 'slow' })]);
    expect(entry).toMatchObject({ level: 1, message: 'in force: slow_down for front' });
    expect(entry?.values['slow_down front']).toBe('safe_mode, set');
    writeFileSync(join(folder, 'policy.yaml'), 'schema: goshawk.drift-policy/1\nrules: []\n');
    await launch.waitFor(/POLICY_UNDONE: rule slow_down/, 30);
    expect(await diagnosed()).toMatchObject({ level: 0, message: 'no rule is in force' });
    expect(await launch.stop('SIGINT', 'alone')).toBe(0);
  });
});
