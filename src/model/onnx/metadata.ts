import type { Model } from './model.ts';

/** What an exporter of the YOLO family recorded in the file about the network. Null means not recorded. */
export interface ExportMetadata {
  /** names of the classes in their order */
  readonly labels: readonly string[] | null;
  /** input size in training, pixels */
  readonly size: { readonly width: number; readonly height: number } | null;
  /** `detect`, `pose`, `obb`, `segment`, `classify` */
  readonly task: string | null;
  /** the sides of the input are multiples of this */
  readonly stride: number | null;
  /** suppression happens in the graph */
  readonly end2end: boolean | null;
}

/** A Python string literal, with either quote. */
const TEXT = String.raw`'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"`;

const unescaped = (text: string): string => text.replace(/\\(.)/g, '$1');

/**
 * Names from a printed Python list, or a dict with whole numbers as keys; null if the text is neither, or
 * keys are missing.
 */
function namesOf(text: string): string[] | null {
  const names: string[] = [];
  if (text.trimStart().startsWith('[')) {
    for (const [, single, double] of text.matchAll(new RegExp(TEXT, 'g'))) {
      names.push(unescaped(single ?? double ?? ''));
    }
  } else {
    for (const [, key, single, double] of text.matchAll(
      new RegExp(`["']?(\\d+)["']?:\\s*(?:${TEXT})`, 'g'),
    )) {
      names[Number(key)] = unescaped(single ?? double ?? '');
    }
  }
  const whole =
    names.length > 0 && Array.from(names).every((name) => typeof name === 'string' && name !== '');
  return whole ? names : null;
}

function sizeOf(text: string): { width: number; height: number } | null {
  const [height, width = height] = [...text.matchAll(/\d+/g)].map(([digits]) => Number(digits));
  return height === undefined || width === undefined ? null : { width, height };
}

/** Reads what the exporters of Ultralytics and YOLOv5 write into the metadata. */
export function readMetadata({ metadataProps }: Model): ExportMetadata {
  const entries = new Map(metadataProps.map(({ key, value }) => [key, value]));
  const read = <T>(key: string, parse: (text: string) => T | null): T | null => {
    const text = entries.get(key);
    return text === undefined ? null : parse(text);
  };
  return {
    labels: read('names', namesOf),
    size: read('imgsz', sizeOf),
    task: read('task', (text) => (/^[a-z]+$/.test(text) ? text : null)),
    stride: read('stride', (text) => {
      const strides = [...text.matchAll(/\d+/g)].map(([digits]) => Number(digits));
      return strides.length === 0 ? null : Math.max(...strides);
    }),
    end2end: read('end2end', (text) => (text === 'True' ? true : text === 'False' ? false : null)),
  };
}
