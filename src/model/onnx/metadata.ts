import type { Model } from './model.ts';

/** What an exporter of the YOLO family wrote into the file about the network. Null if it says nothing. */
export interface ExportMetadata {
  /** names of the classes in their order */
  readonly labels: readonly string[] | null;
  /** input of the training, pixels */
  readonly size: { readonly width: number; readonly height: number } | null;
  /** `detect`, `pose`, `obb`, `segment`, `classify` */
  readonly task: string | null;
  /** sides of the input are multiples of it */
  readonly stride: number | null;
  /** suppression happens in the graph */
  readonly end2end: boolean | null;
}

/** A text of Python, with either quote. */
const TEXT = String.raw`'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)"`;

const unescaped = (text: string): string => text.replace(/\\(.)/g, '$1');

/**
 * Names as Python prints a list or a dict with whole numbers as keys; null if they are neither, or keys
 * are missing.
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

/** Reads what Ultralytics' and YOLOv5's exporters write beside the graph. */
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
