import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createRandom } from '../../../src/core/random.ts';
import { importModel } from '../../../src/device/authoring/import-model.ts';
import type { Bundle } from '../../../src/model/bundle.ts';
import { encodePng } from '../../../src/device/imaging/encode-image.ts';
import { openBundleDetector } from '../../../src/tools/evaluate/bundle-detector.ts';
import { smallDetector } from './small-detector.ts';

/** All inputs of `goshawk optimize`. */
export interface SmallWorld {
  readonly model: string;
  readonly labels: string;
  readonly calibration: string;
  readonly images: string;
  readonly annotations: string;
  readonly bundle: Bundle;
}

export const SMALL_LABELS = ['person', 'car', 'ghost'];

/** Minimum score of a detection that becomes a label. */
const LABEL_SCORE = 0.55;

/** An image of colored rectangles on a gradient, as PNG. */
async function drawImage(seed: number): Promise<Uint8Array> {
  const [width, height] = [120, 90];
  const random = createRandom(seed);
  const pixels = new Uint8Array(width * height * 3);
  for (let i = 0; i < pixels.length; i += 1) {
    pixels[i] = (Math.floor(i / 3) % width) + random.int(0, 30);
  }
  for (let n = random.int(3, 8); n > 0; n -= 1) {
    const [w, h] = [random.int(8, 50), random.int(8, 50)];
    const [x, y] = [random.int(0, width - w), random.int(0, height - h)];
    const color = [random.int(0, 255), random.int(0, 255), random.int(0, 255)];
    for (let row = y; row < y + h; row += 1) {
      for (let column = x; column < x + w; column += 1) pixels.set(color, (row * width + column) * 3);
    }
  }
  return encodePng(pixels, width, height);
}

/**
 * Writes a small model, calibration images, and images labeled with the model's own detections. `ghost` has no object.
 */
export async function makeSmallWorld(
  folder: string,
  calibration: number,
  labeled: number,
): Promise<SmallWorld> {
  const world = {
    model: join(folder, 'small.onnx'),
    labels: join(folder, 'labels.txt'),
    calibration: join(folder, 'calibration'),
    images: join(folder, 'images'),
    annotations: join(folder, 'annotations.json'),
  };
  mkdirSync(world.calibration, { recursive: true });
  mkdirSync(world.images);
  writeFileSync(world.model, smallDetector(SMALL_LABELS.length));
  writeFileSync(world.labels, SMALL_LABELS.join('\n'));
  for (let i = 0; i < calibration; i += 1) {
    writeFileSync(join(world.calibration, `${i}.png`), await drawImage(1000 + i));
  }
  const { bundle } = await importModel({
    file: world.model,
    out: join(folder, 'imported'),
    name: 'small',
    version: '1.0.0',
    labels: SMALL_LABELS,
    tool: 'test',
  });
  writeFileSync(world.annotations, JSON.stringify(await label(bundle, world.images, labeled)));
  return { ...world, bundle };
}

async function label(bundle: Bundle, images: string, count: number): Promise<unknown> {
  const limits = { scoreThreshold: LABEL_SCORE, iouThreshold: 0.65, maxDetections: 12, classFilter: null };
  const detector = await openBundleDetector({ bundle, preprocess: 'sharp', limits, engine: { threads: 1 } });
  const annotations: unknown[] = [];
  const pictures: unknown[] = [];
  try {
    for (let id = 0; id < count; id += 1) {
      const file = `${id}.png`;
      writeFileSync(join(images, file), await drawImage(id));
      const { detections, width, height } = await detector.detect(join(images, file));
      pictures.push({ id, file_name: file, width, height });
      for (let i = 0; i < detections.count; i += 1) {
        // the last class has no object
        if (detections.classes[i] === SMALL_LABELS.length - 1) continue;
        const [x1, y1, x2, y2] = detections.boxes.subarray(4 * i, 4 * i + 4) as unknown as [
          number,
          number,
          number,
          number,
        ];
        annotations.push({
          id: annotations.length + 1,
          image_id: id,
          category_id: detections.classes[i]! + 1,
          bbox: [x1, y1, x2 - x1, y2 - y1],
          iscrowd: 0,
        });
      }
    }
  } finally {
    await detector.close();
  }
  const categories = SMALL_LABELS.map((name, index) => ({ id: index + 1, name }));
  return { images: pictures, annotations, categories };
}
