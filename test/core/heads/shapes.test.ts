import { describe, expect, it } from 'vitest';
import type { Head } from '../../../src/core/heads/head-table.ts';
import { checkHead, type GraphInput } from '../../../src/core/heads/shapes.ts';

const at416: GraphInput = { inputWidth: 416, inputHeight: 416 };
const at640: GraphInput = { inputWidth: 640, inputHeight: 640 };

const one = (...dims: (number | string)[]) => [{ name: 'output', dims }];
const parts = (...shapes: (number | string)[][]) => shapes.map((dims, i) => ({ name: `part${i}`, dims }));
const efficientNms = parts(['batch', 1], ['batch', 100, 4], ['batch', 100], ['batch', 100]);

describe('checkHead', () => {
  it('accepts fitting outputs, and a number of candidates that the graph leaves open', () => {
    expect(checkHead('yolox', one(1, 3549, 85), { ...at416, labels: 80 })).toMatchObject({ classes: 80 });
    expect(checkHead('yolov5', one(1, 'boxes', 85), at416)).toMatchObject({ classes: 80, candidates: null });
  });

  it.each<[Head, ReturnType<typeof one>, number | null, number | null]>([
    ['yolox', one(1, 3549, 85), 80, 3549],
    ['yolox', one('batch', 'boxes', 6), 1, null],
    // P2: strides 4 to 32; two strides: 16 and 32
    ['yolox', one(1, 14365, 85), 80, 14365],
    ['yolox', one(1, 845, 85), 80, 845],
    ['yolov5', one(-1, 10647, 85), 80, 10647],
    ['yolov5', one(1, 3549, 85), 80, 3549],
    ['yolov8', one('batch', 84, 3549), 80, 3549],
    ['yolov8', one(1, 84, 14365), 80, 14365],
    ['detr', one(1, 300, 84), 80, 300],
    ['labeled', one(1, 3549, 6), null, 3549],
    ['end2end', one(1, 300, 6), null, 300],
    ['end2end', efficientNms, null, 100],
  ])('accepts %s with %j', (head, shapes, classes, candidates) => {
    expect(checkHead(head, shapes, at416)).toEqual({ head, classes, candidates });
  });

  it.each<[Head, ReturnType<typeof one>, RegExp]>([
    ['yolox', one(1, 10647, 85), /head yolox needs \[batch, cells.*\[1, 10647, 85\], which fits yolov5/],
    ['yolov8', one(1, 3549, 84), /head yolov8.*80 labels.*3545 classes.*which fits detr/],
    ['yolox', one(1, 84, 3549), /head yolox.*which fits yolov8/],
    ['end2end', one(1, 3549, 85), /head end2end.*which fits yolox or yolov5/],
    ['labeled', one(1, 3549, 85), /head labeled.*which fits yolox or yolov5/],
    ['detr', one(1, 300, 84, 1), /no known head/],
    ['yolov8', one(1, 1000), /no known head/],
  ])('refuses %s for %j and names both', (head, shapes, words) => {
    expect(checkHead(head, shapes, { ...at416, labels: 80 })).toHaveProperty(
      'failure',
      expect.stringMatching(words),
    );
  });

  it('refuses a number of labels other than that of the classes', () => {
    const checked = checkHead('yolov8', one(1, 84, 8400), { ...at640, labels: 81 });
    expect(checked).toHaveProperty('failure', expect.stringMatching(/81 labels.*80 classes/));
  });
});
