import { describe, expect, it } from 'vitest';
import {
  FindingLog,
  inspectCamera,
  inspectListeners,
  inspectRivals,
  type CameraView,
} from '../../../src/ros/detector/camera-watch.ts';
import type { Endpoint } from '../../../src/ros/graph.ts';

const IMAGE = 'sensor_msgs/msg/Image';
const camera: Endpoint = { node: '/driver', type: IMAGE, reliability: 'best_effort', durability: 'volatile' };
const healthy: CameraView = {
  topic: '/front/image_raw',
  type: IMAGE,
  reliability: 'best_effort',
  publishers: [camera],
  silentSeconds: 0.1,
  everReceived: true,
  otherTopics: [],
};

function words(view: Partial<CameraView>): string[] {
  return inspectCamera({ ...healthy, ...view }, 3).map(({ key, message }) => `${key}: ${message}`);
}

describe('inspectCamera', () => {
  it('reports nothing about a camera that sends', () => {
    expect(words({})).toEqual([]);
    expect(words({ reliability: 'reliable', publishers: [{ ...camera, reliability: 'reliable' }] })).toEqual(
      [],
    );
  });

  it('reports that nobody publishes, and where images are', () => {
    const [finding] = words({ publishers: [], silentSeconds: 3.2, otherTopics: ['/rear/image_raw'] });
    expect(finding).toMatch(/^silent: no frame on \/front\/image_raw for 3 s: nobody publishes it/);
    expect(finding).toMatch(/images are on \/rear\/image_raw/);
  });

  it('distinguishes a camera that fell silent from one that never sent', () => {
    expect(words({ silentSeconds: 4 })[0]).toMatch(/\/driver still publishes the topic but stopped sending/);
    expect(words({ silentSeconds: 4, everReceived: false })[0]).toMatch(/but nothing has arrived/);
  });

  it('names a reliability that never matches, before silence', () => {
    const [mismatch, silence] = words({ reliability: 'reliable', silentSeconds: 4, everReceived: false });
    expect(mismatch).toMatch(/^qos \/driver: .*\/driver offers best_effort.*set reliability:=best_effort/);
    expect(silence).toMatch(/see the mismatch above/);
    expect(words({ reliability: 'reliable' })).toHaveLength(1);
  });

  it.each([
    ['sensor_msgs/msg/CompressedImage', 'image_type:=compressed'],
    ['sensor_msgs/msg/PointCloud2', 'image_topics'],
  ])('names a type that never matches: %s', (type, remedy) => {
    const [finding] = words({ publishers: [{ ...camera, type }] });
    expect(finding).toMatch(/^type \/driver: \/driver publishes/);
    expect(finding).toContain(remedy);
  });
});

describe('inspectListeners', () => {
  const type = 'vision_msgs/msg/Detection2DArray';
  const listener: Endpoint = { node: '/app', type, reliability: 'reliable', durability: 'volatile' };

  it.each<[Endpoint, RegExp | undefined]>([
    [listener, undefined],
    [{ ...listener, reliability: 'best_effort' }, undefined],
    [{ ...listener, durability: 'transient_local' }, /requests transient_local/],
    [{ ...listener, type: 'vision_msgs/msg/Detection3DArray' }, /expects vision_msgs\/msg\/Detection3DArray/],
  ])('%j', (one, message) => {
    const findings = inspectListeners('/front/detections', type, [one]);
    expect(findings.map((finding) => finding.message)).toEqual(
      message === undefined ? [] : [expect.stringMatching(message)],
    );
  });
});

describe('two endpoints of one node', () => {
  const listener: Endpoint = { node: '/app', type: 'x', reliability: 'reliable', durability: 'volatile' };

  it('are both reported if they are wrong in different ways, in any order of the graph', () => {
    const wrong = [
      { ...listener, type: 'y' },
      { ...listener, durability: 'transient_local' as const },
    ];
    const findings = inspectListeners('/front/detections', 'x', wrong);
    expect(findings.map(({ key }) => key)).toEqual(['listener /app', 'listener /app 2']);
    expect(inspectListeners('/front/detections', 'x', [...wrong].reverse())).toEqual(findings);
    const publishers = ['sensor_msgs/msg/CompressedImage', 'sensor_msgs/msg/PointCloud2'];
    expect(words({ publishers: publishers.map((type) => ({ ...camera, type })) })).toHaveLength(2);
  });

  it('are one finding if they are wrong in the same way', () => {
    const same = { ...listener, durability: 'transient_local' as const };
    expect(inspectListeners('/front/detections', 'x', [same, same])).toHaveLength(1);
    expect(words({ reliability: 'reliable', publishers: [camera, camera] })).toHaveLength(1);
  });
});

describe('inspectRivals', () => {
  const publishers = (...nodes: string[]): Endpoint[] =>
    nodes.map((node) => ({ node, type: 'x', reliability: 'reliable', durability: 'volatile' }));

  it.each([
    [['/goshawk/detector'], []],
    [[], []],
    [['/goshawk/detector', '/other'], [/^\/other also publishes \/front\/detections/]],
    [['/goshawk/detector', '/goshawk/detector'], [/^another node of this name \(\/goshawk\/detector\)/]],
    [
      ['/other', '/goshawk/detector', '/other', '/third'],
      [/^\/other/, /^\/third/],
    ],
  ])('%j', (nodes, messages) => {
    const findings = inspectRivals('/front/detections', '/goshawk/detector', publishers(...nodes));
    expect(findings.map(({ message }) => message)).toEqual(
      messages.map((one) => expect.stringMatching(one) as string),
    );
  });
});

describe('FindingLog', () => {
  it('reports again if the cause changes, even by a single digit', () => {
    const log = new FindingLog();
    const reported: string[] = [];
    for (const message of [
      'silent for 3 s: /driver1 stopped',
      'silent for 4 s: /driver1 stopped',
      'silent for 5 s: /driver2 stopped',
    ])
      log.update(
        'front',
        [{ level: 'error', key: 'silent', message }],
        (finding) => reported.push(finding.message),
        () => undefined,
      );
    expect(reported).toEqual(['silent for 3 s: /driver1 stopped', 'silent for 5 s: /driver2 stopped']);
  });

  it('reports a finding once when it appears and once when it is resolved, by subject', () => {
    const log = new FindingLog();
    const reported: string[] = [];
    const update = (subject: string, messages: readonly string[]): void => {
      log.update(
        subject,
        messages.map((message) => ({ level: 'error', key: 'silent', message })),
        ({ message }) => reported.push(`${subject}: ${message}`),
        (message) => reported.push(`${subject} over: ${message}`),
      );
    };
    update('front', ['silent for 3 s']);
    update('front', ['silent for 4 s']);
    update('rear', []);
    update('rear', ['silent for 9 s']);
    update('front', []);
    update('front', []);
    update('front', ['silent for 3 s']);
    update('front', ['silent for 5 s: the camera is there']);
    expect(reported).toEqual([
      'front: silent for 3 s',
      'rear: silent for 9 s',
      'front over: silent for 4 s',
      'front: silent for 3 s',
      'front: silent for 5 s: the camera is there',
    ]);
  });

  it('keeps two subscribers of one camera apart, even if their names differ by a single digit', () => {
    const log = new FindingLog();
    const reported: string[] = [];
    const type = 'vision_msgs/msg/Detection2DArray';
    const listeners: Endpoint[] = ['/app1', '/app2'].map((node) => ({
      node,
      type,
      reliability: 'reliable',
      durability: 'transient_local',
    }));
    const update = (present: readonly Endpoint[]): void => {
      log.update(
        'front',
        inspectListeners('/front/detections', type, present),
        ({ message }) => reported.push(message.slice(0, 5)),
        (message) => reported.push(`over ${message.slice(0, 5)}`),
      );
    };
    for (let i = 0; i < 3; i++) update(listeners);
    update(listeners.slice(1));
    expect(reported).toEqual(['/app1', '/app2', 'over /app1']);
  });
});
