import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { createDetections } from '../../../src/core/detections.ts';
import { createDecoder } from '../../../src/core/heads/decoder.ts';
import type { Head } from '../../../src/core/heads/head-table.ts';
import type { DecodeSettings, OutputTensor } from '../../../src/core/heads/head.ts';
import type { Letterbox } from '../../../src/core/image/letterbox.ts';

interface Golden {
  inputWidth: number;
  inputHeight: number;
  classes: number;
  cases: {
    name: string;
    head: Head;
    outputs: { dims: number[]; kind: 'float32' | 'int32'; base64: string }[];
    letterbox: Letterbox;
    settings: DecodeSettings;
    results: { boxes: number[]; scores: number[]; classes: number[] }[];
  }[];
}

// made by golden/make.py, a numpy pipeline
const golden = JSON.parse(readFileSync(new URL('golden/heads.json', import.meta.url), 'utf8')) as Golden;

function tensorOf({ dims, kind, base64 }: Golden['cases'][number]['outputs'][number]): OutputTensor {
  const bytes = new Uint8Array(Buffer.from(base64, 'base64')).buffer;
  return { dims, data: kind === 'int32' ? new Int32Array(bytes) : new Float32Array(bytes) };
}

describe.each(golden.cases)(
  'decoding $name agrees with numpy',
  ({ head, outputs, letterbox, settings, results }) => {
    const { inputWidth, inputHeight, classes } = golden;
    const decoder = createDecoder({ head, inputWidth, inputHeight, classes, maxCandidates: Infinity });
    const tensors = outputs.map(tensorOf);

    it.each(results.map((result, image) => ({ result, image })))('image $image', ({ result, image }) => {
      const out = createDetections(100);
      expect(decoder.decode(tensors, image, letterbox, settings, out)).toBe('ok');
      expect(result.scores.length).toBeGreaterThan(5);
      expect(out.count).toBe(result.scores.length);
      expect([...out.classes.subarray(0, out.count)]).toEqual(result.classes);
      result.scores.forEach((score, i) => expect(out.scores[i]).toBeCloseTo(score, 6));
      result.boxes.forEach((value, i) => expect(out.boxes[i]).toBeCloseTo(value, 3));
    });
  },
);
