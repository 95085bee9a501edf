import type { Detections } from '../detections.ts';
import type { Stamp } from '../frame.ts';

const COLOR = { type: 'object', properties: numbers('r', 'g', 'b', 'a') };
const POINT = { type: 'object', properties: numbers('x', 'y') };
const TIME = {
  type: 'object',
  properties: { sec: { type: 'integer', minimum: 0 }, nsec: { type: 'integer', minimum: 0 } },
};

function numbers(...names: readonly string[]): Record<string, { readonly type: 'number' }> {
  return Object.fromEntries(names.map((name) => [name, { type: 'number' }]));
}

function list(properties: object): object {
  return { type: 'array', items: { type: 'object', properties } };
}

/** JSON Schema of the part of `foxglove.ImageAnnotations` that is written. */
export const IMAGE_ANNOTATIONS_SCHEMA = {
  title: 'foxglove.ImageAnnotations',
  type: 'object',
  properties: {
    circles: list({}),
    points: list({
      timestamp: TIME,
      type: { type: 'integer' },
      points: { type: 'array', items: POINT },
      outline_color: COLOR,
      outline_colors: { type: 'array', items: COLOR },
      fill_color: COLOR,
      thickness: { type: 'number' },
    }),
    texts: list({
      timestamp: TIME,
      position: POINT,
      text: { type: 'string' },
      font_size: { type: 'number' },
      text_color: COLOR,
      background_color: COLOR,
    }),
  },
} as const;

/** `LINE_LOOP` of `foxglove.PointsAnnotation` */
const LINE_LOOP = 2;
const GREEN = { r: 0.2, g: 0.9, b: 0.3, a: 1 };
const CLEAR = { r: 0, g: 0, b: 0, a: 0 };
const WHITE = { r: 1, g: 1, b: 1, a: 1 };
const SHADE = { r: 0, g: 0, b: 0, a: 0.6 };

/** Boxes in source pixels with label and score, as `foxglove.ImageAnnotations`, which Foxglove draws over an image. */
export function imageAnnotations(detections: Detections, labels: readonly string[], stamp: Stamp): object {
  const timestamp = { sec: stamp.sec, nsec: stamp.nanosec };
  const boxes = Array.from({ length: detections.count }, (_, i) => ({
    box: detections.boxes.subarray(i * 4, i * 4 + 4),
    text: `${labels[detections.classes[i]!] ?? ''} ${detections.scores[i]!.toFixed(2)}`,
  }));
  return {
    circles: [],
    points: boxes.map(({ box }) => ({
      timestamp,
      type: LINE_LOOP,
      points: cornersOf(box),
      outline_color: GREEN,
      outline_colors: [],
      fill_color: CLEAR,
      thickness: 2,
    })),
    texts: boxes.map(({ box, text }) => ({
      timestamp,
      position: { x: box[0], y: box[1] },
      text,
      font_size: 14,
      text_color: WHITE,
      background_color: SHADE,
    })),
  };
}

function cornersOf(box: Float32Array): { x: number; y: number }[] {
  const [x1 = 0, y1 = 0, x2 = 0, y2 = 0] = box;
  return [
    { x: x1, y: y1 },
    { x: x2, y: y1 },
    { x: x2, y: y2 },
    { x: x1, y: y2 },
  ];
}
