import { describe, expect, it } from 'vitest';
import { Detection2DArrayEncoder } from '../../../src/core/cdr/detection2d-array.ts';
import { createDetections } from '../../../src/core/detections.ts';
import { createRandom } from '../../../src/core/random.ts';
import type { FrameLabels } from '../../../src/device/runtime/part.ts';
import { LabelInput, nameLabelTopics } from '../../../src/ros/detector/label-input.ts';
import { nameTopics } from '../../../src/ros/detector/topics.ts';

const HEADER = { stamp: { sec: 12, nanosec: 34 }, frameId: 'cam' };

function message(): Uint8Array {
  const detections = createDetections(1);
  detections.count = 1;
  detections.boxes.set([10, 20, 30, 60]);
  detections.scores[0] = 1;
  detections.classes[0] = 1;
  return new Detection2DArrayEncoder(['person', 'car']).encode(HEADER, detections).slice();
}

function input() {
  const taken: FrameLabels[] = [];
  const lines: string[] = [];
  const labels = new LabelInput(
    'front',
    (one) => void taken.push(one),
    (line) => void lines.push(line),
  );
  return { labels, taken, lines };
}

describe('labels of a topic', () => {
  it('are passed on with the stamp of their frame', () => {
    const { labels, taken } = input();
    labels.take(message());
    expect(taken).toEqual([
      { camera: 'front', stamp: HEADER.stamp, objects: [{ label: 'car', box: [10, 20, 30, 60] }] },
    ]);
  });

  it('that cannot be read are refused, whatever they are, and the log does not flood', () => {
    const { labels, taken, lines } = input();
    const good = message();
    const random = createRandom(3);
    for (let i = 0; i < 2000; i += 1) {
      const bytes = good.slice(0, random.int(0, good.length));
      for (let flips = random.int(0, 4); flips > 0 && bytes.length > 0; flips -= 1)
        bytes[random.int(0, bytes.length - 1)] = random.int(0, 255);
      labels.take(bytes);
    }
    expect(taken.length).toBeLessThan(2000);
    expect(lines.length).toBeGreaterThan(5);
    expect(lines.length).toBeLessThan(13);
  });

  it('are next to the results of each camera, or where a full name says for a single one', () => {
    const [one, two] = [['/front/image_raw'], ['/front/image_raw', '/rear/image_raw']];
    const named = (name: string, images: string[]) => nameLabelTopics(name, nameTopics(images, 'auto'));
    expect(named('', two)).toEqual([]);
    expect(named('ground_truth', two)).toEqual([
      { camera: 'front', topic: '/front/ground_truth' },
      { camera: 'rear', topic: '/rear/ground_truth' },
    ]);
    expect(named('/elsewhere', one)).toEqual([{ camera: 'front', topic: '/elsewhere' }]);
    expect(() => named('/elsewhere', two)).toThrow('with several cameras it must be relative');
  });
});
