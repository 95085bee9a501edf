import { describe, expect, it } from 'vitest';
import type { Head } from '../../../src/core/heads/head.ts';
import { checkHead, guessHead, type GraphInput } from '../../../src/core/heads/shapes.ts';

const at416: GraphInput = { inputWidth: 416, inputHeight: 416 };
const at640: GraphInput = { inputWidth: 640, inputHeight: 640 };

const one = (...dims: (number | string)[]) => [{ name: 'output', dims }];
const parts = (...shapes: (number | string)[][]) => shapes.map((dims, i) => ({ name: `part${i}`, dims }));
const efficientNms = parts(['batch', 1], ['batch', 100, 4], ['batch', 100], ['batch', 100]);

describe('guessHead', () => {
  it.each<[Head, ReturnType<typeof one>, GraphInput, number | null, number]>([
    ['yolox', one(1, 3549, 85), at416, 80, 3549],
    ['yolox', one('batch', 3549, 6), at416, 1, 3549],
    ['yolov5', one(-1, 25200, 85), at640, 80, 25200],
    ['yolov5', one(1, 102000, 85), { inputWidth: 1280, inputHeight: 1280 }, 80, 102000],
    ['yolov8', one('batch', 84, 8400), at640, 80, 8400],
    ['yolov8', one(1, 5, 3549), at416, 1, 3549],
    ['end2end', one(1, 300, 6), at640, null, 300],
    ['end2end', efficientNms, at640, null, 100],
  ])('tells %s from %j', (head, shapes, input, classes, candidates) => {
    expect(guessHead(shapes, input)).toEqual({ head, classes, candidates });
  });

  it('takes the labels as classes where the shapes do not tell', () => {
    expect(guessHead(one(1, 300, 6), { ...at640, labels: 8 })).toMatchObject({ head: 'end2end', classes: 8 });
  });

  it('says what it got and what it knows where nothing fits', () => {
    const classifier = guessHead(one(1, 1000), at640);
    expect(classifier).toHaveProperty(
      'failure',
      expect.stringMatching(/output \[1, 1000\].*640x640.*yolox \[batch, 8400/),
    );
    expect(guessHead([], at640)).toHaveProperty('failure', expect.stringContaining('no output'));
    expect(guessHead(one(1, 3000, 85), at416)).toHaveProperty('failure', expect.stringContaining('3549'));
  });

  it('asks for the head where several fit', () => {
    const open = guessHead(one(1, 'boxes', 85), at416);
    expect(open).toHaveProperty('failure', expect.stringMatching(/yolox .*or yolov5.*give the head/));
  });

  it('names both numbers where the labels are more or fewer than the classes', () => {
    const guessed = guessHead(one(1, 3549, 85), { ...at416, labels: 8 });
    expect(guessed).toHaveProperty('failure', expect.stringMatching(/yolox with 80 classes.*8 labels/));
  });
});

describe('checkHead', () => {
  it('accepts what fits, and a number of candidates that the graph leaves open', () => {
    expect(checkHead('yolox', one(1, 3549, 85), { ...at416, labels: 80 })).toMatchObject({ classes: 80 });
    expect(checkHead('yolov5', one(1, 'boxes', 85), at416)).toMatchObject({ classes: 80, candidates: null });
  });

  it.each<[Head, ReturnType<typeof one>, RegExp]>([
    ['yolov5', one(1, 3549, 85), /head yolov5 gives \[batch, 10647,.*\[1, 3549, 85\], as of yolox/],
    ['yolox', one(1, 10647, 85), /head yolox gives \[batch, 3549,.*as of yolov5/],
    ['yolov8', one(1, 3549, 85), /head yolov8.*as of yolox/],
    ['yolox', one(1, 84, 3549), /head yolox.*as of yolov8/],
    ['end2end', one(1, 3549, 6), /head end2end.*as of yolox with 1 classes/],
    ['yolox', one(1, 300, 6), /head yolox.*as of end2end/],
    ['yolox', one(1, 1000), /no head that is known/],
  ])('refuses %s for %j and names both', (head, shapes, words) => {
    expect(checkHead(head, shapes, at416)).toHaveProperty('failure', expect.stringMatching(words));
  });

  it('refuses labels that are not as many as the classes', () => {
    const checked = checkHead('yolov8', one(1, 84, 8400), { ...at640, labels: 81 });
    expect(checked).toHaveProperty('failure', expect.stringMatching(/81 labels.*80 classes/));
  });
});
