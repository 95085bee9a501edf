import { readFileSync } from 'node:fs';
import type { MessageHeader } from '../../../src/core/cdr/header.ts';
import type { ImageFields, VisionInfoFields } from '../../../src/core/cdr/messages.ts';

/** The messages of golden/make_golden.py as data. */
export interface GoldenCases {
  detections: {
    name: string;
    labels: string[];
    header: MessageHeader;
    detections: { label: string; score: number; box: [number, number, number, number]; track: number }[];
  }[];
  images: (ImageFields & { name: string; header: MessageHeader; isBigEndian: boolean; dataLength: number })[];
  compressed: { name: string; header: MessageHeader; format: string; data: number[] }[];
  visionInfo: (VisionInfoFields & { name: string; header: MessageHeader })[];
  float64: { name: string; value: number }[];
}

const folder = new URL('./golden/', import.meta.url);

export const golden = JSON.parse(readFileSync(new URL('cases.json', folder), 'utf8')) as GoldenCases;

/** The bytes that rclpy wrote for a case, padding as zero. */
export function goldenBytes(name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(`${name}.bin`, folder)));
}

/** The pixels of the golden images. */
export function goldenPixels(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + 13) & 255);
}
