import type { Detections } from '../detections.ts';
import { LabelPlaces, type Place } from './label-places.ts';

/** Angle between the colors of neighboring classes, in degrees: the golden angle keeps any number of them apart. */
const GOLDEN_ANGLE = 137.508;

/**
 * Width of a letter of the monospaced font, in font sizes. Renderers differ a little, so it includes some
 * slack.
 */
const LETTER_WIDTH = 0.62;

/**
 * Escapes text for element content and attribute values. Characters that XML 1.0 does not allow become
 * U+FFFD.
 */
function escapeXml(text: string): string {
  return text
    .replace(/[^\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/gu, '\uFFFD')
    .replace(/&/g, '&amp;')
    .replace(/</g, '&lt;')
    .replace(/>/g, '&gt;')
    .replace(/"/g, '&quot;')
    .replace(/'/g, '&apos;');
}

/** Number of letters as a reader sees them, approximated by code points. */
function lettersOf(text: string): number {
  return [...text].length;
}

/** Color of a class as a CSS value; the same class has the same color in every image. */
function classColor(classIndex: number): string {
  return `hsl(${Math.round((classIndex * GOLDEN_ANGLE) % 360)}, 85%, 55%)`;
}

/** Coordinates to a tenth of a pixel keep the text short. NaN becomes 0. */
function px(value: number): string {
  return Number.isFinite(value) ? String(Math.round(value * 10) / 10) : '0';
}

/** Width of a strip around the text, in pixels. */
function tagWidth(text: string, size: number): number {
  return lettersOf(text) * size * LETTER_WIDTH + size * 0.4;
}

/**
 * A strip with text on it.
 * @param size of the font in pixels
 */
function tag(text: string, { left, top, width, height }: Place, fill: string, size: number): string {
  return (
    `<rect x="${px(left)}" y="${px(top)}" width="${px(width)}" height="${px(height)}" fill="${fill}"/>` +
    `<text x="${px(left + size * 0.2)}" y="${px(top + size)}">${escapeXml(text)}</text>`
  );
}

/**
 * Boxes with label, track id and score as an SVG image with a transparent background, to be composited over
 * the source image. No label covers another: in a crowd the first detections, which are the best, get theirs,
 * and boxes without room for a label have none.
 * @param labels class names in the order of the class indices; a class without one shows its index
 * @param width,height size of the source image in pixels, which is the size of the SVG
 */
export function overlaySvg(
  detections: Detections,
  labels: readonly string[],
  width: number,
  height: number,
): string {
  const size = Math.max(10, Math.round(height / 45));
  const tagHeight = size * 1.3;
  const places = new LabelPlaces({ width, height });
  const tags: string[] = [];
  const stroke = Math.max(1, Math.round(height / 300));
  const parts = [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" ` +
      `font-family="DejaVu Sans Mono, monospace" font-size="${size}">`,
  ];
  for (let i = 0; i < detections.count; i++) {
    const classIndex = detections.classes[i]!;
    const color = classColor(classIndex);
    const x1 = detections.boxes[i * 4]!;
    const y1 = detections.boxes[i * 4 + 1]!;
    const boxWidth = detections.boxes[i * 4 + 2]! - x1;
    const y2 = detections.boxes[i * 4 + 3]!;
    const track = detections.tracks[i] === 0 ? '' : ` #${detections.tracks[i]}`;
    const text = `${labels[classIndex] ?? `class ${classIndex}`}${track} ${detections.scores[i]!.toFixed(2)}`;
    parts.push(
      `<rect x="${px(x1)}" y="${px(y1)}" width="${px(boxWidth)}" height="${px(y2 - y1)}" ` +
        `fill="none" stroke="${color}" stroke-width="${stroke}"/>`,
    );
    const place = places.find({ x1, y1, y2 }, tagWidth(text, size), tagHeight);
    if (place !== null) tags.push(tag(text, place, color, size));
  }
  // above all boxes, so that no line runs through a word
  parts.push(...tags);
  parts.push('</svg>');
  return parts.join('');
}
