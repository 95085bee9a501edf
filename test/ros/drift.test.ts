import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { driftTopicSchema, type DriftTopic } from '../../src/contract/drift-topic.ts';
import { loadBundle } from '../../src/model/bundle.ts';
import { writeMadeUpReference } from '../support/made-up-reference.ts';
import { describeWith, ROS } from '../support/needs.ts';
import { shippedBundle } from '../support/shipped-bundle.ts';
import { jsonLines, RosBench, type RosProcess } from './support/ros-process.ts';

const TOPIC = '/front/image_raw';
const DRIFT = '/goshawk/detector/drift';
const SAFE_MODE = '/goshawk/detector/safe_mode';

const POLICY = `
schema: goshawk.drift-policy/1
rules:
  - name: slow_down
    when: { verdict: input-changed }
    allow_on_input_change: true
    do: [{ safe_mode: { topic: ~/safe_mode, message: slow, over: normal } }]
`;

describeWith(ROS, 'a detector whose camera is unlike its reference', () => {
  const bench = new RosBench(10);
  let folder: string;
  let detector: RosProcess;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'goshawk-ros-drift-'));
    await writeMadeUpReference(join(folder, 'reference.json'));
    writeFileSync(join(folder, 'policy.yaml'), POLICY);
    detector = bench.node('detector', {
      bundle: shippedBundle(),
      image_topics: `["${TOPIC}"]`,
      drift_reference: join(folder, 'reference.json'),
      drift_false_alarms_per_week: '10000.0',
      drift_window_s: '2',
      drift_policy: join(folder, 'policy.yaml'),
    });
    await detector.waitFor(/the detector is active/, 60);
    bench.peer('raw_camera.py', '--topic', TOPIC, '--rate', '5');
    await detector.waitFor(/POLICY_ACTION: rule slow_down/, 60);
  });
  afterAll(async () => {
    await bench.close();
    rmSync(folder, { recursive: true });
  });

  async function listen(topic: string, count: number): Promise<string[]> {
    const probe = bench.peer('text_probe.py', '--topic', topic, '--count', String(count));
    await probe.exit;
    return jsonLines(probe.output).map(({ data }) => String(data));
  }

  it('tells late subscribers on ~/drift that it drifted, and again with each window', async () => {
    const messages = (await listen(DRIFT, 3)).map((text): DriftTopic =>
      driftTopicSchema.parse(JSON.parse(text)),
    );
    expect(messages.map(({ verdicts }) => verdicts['front']?.state)).toEqual([
      'drifted',
      'drifted',
      'drifted',
    ]);
    // an estimate of accuracy may come in between, which is a change of state
    expect(messages.slice(1).map(({ because }) => because)).toContain('window');
    expect(Object.keys(messages.at(-1)?.accuracy ?? {})).toEqual(['front']);
    expect(messages[0]?.bundle?.digest).toBe((await loadBundle(shippedBundle())).digest);
  });

  it('says what the policy says on its topic', async () => {
    expect(await listen(SAFE_MODE, 1)).toEqual(['slow']);
  });

  it('follows the policy: one without rules takes it back', async () => {
    writeFileSync(join(folder, 'policy.yaml'), 'schema: goshawk.drift-policy/1\nrules: []\n');
    await detector.waitFor(/POLICY_UNDONE: rule slow_down/, 30);
    expect(await listen(SAFE_MODE, 1)).toEqual(['normal']);
  });
});
