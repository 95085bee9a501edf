import { InvalidArgumentError, Option, type Command } from 'commander';
import { GoshawkError } from '../contract/errors.ts';
import { COCO80 } from '../core/coco-labels.ts';
import { HEADS, type Head } from '../core/heads/head.ts';
import type { LayoutHints } from '../core/heads/output-layout.ts';
import type { LetterboxAnchor, LetterboxResize } from '../core/image/letterbox.ts';
import type { ImportOptions } from '../device/authoring/import-model.ts';
import { readRegularFile } from '../platform/regular-file.ts';

/** What a foreign ONNX file does not say about itself. */
export interface NetworkFlags {
  readonly head?: Head;
  readonly decoded?: boolean;
  readonly layout?: Omit<LayoutHints, 'head'>;
  readonly size?: { width: number; height: number };
  readonly color?: 'rgb' | 'bgr';
  readonly scale?: number;
  readonly mean?: readonly [number, number, number];
  readonly std?: readonly [number, number, number];
  readonly anchor?: LetterboxAnchor;
  readonly pad?: number;
  readonly resize?: LetterboxResize;
}

/** Adds the options that say how a foreign network reads images and what it puts out. */
export function addNetworkOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--head <head>', 'how to read the output (default: told by running the graph)').choices(
        HEADS,
      ),
    )
    .option('--decoded', 'boxes are decoded in the graph (default: told by running it)')
    .option('--no-decoded', 'boxes are relative to their grid cells')
    .option(
      '--layout <words>',
      'how boxes lie in the output, as far as known, such as "rows,corners,pixels": ' +
        `${Object.keys(LAYOUT_WORDS).join(', ')}`,
      parseLayout,
    )
    .option('--size <WxH>', 'network input, for a graph that leaves it open', parseSize)
    .addOption(
      new Option('--color <order>', 'channel order of training (default: by head)').choices(['rgb', 'bgr']),
    )
    .option('--scale <factor>', 'multiplies pixels of 0..255 (default: by head)', parseNumber)
    .option('--mean <a,b,c>', 'is subtracted after scaling, in the channel order of training', parseTriple)
    .option('--std <a,b,c>', 'divides after that', parseTriple)
    .addOption(
      new Option('--anchor <place>', 'where the image lies in the input (default: by head)').choices([
        'top-left',
        'center',
      ]),
    )
    .option('--pad <value>', 'gray of the border, 0..255 (default: 114)', parseByte)
    .addOption(
      new Option(
        '--resize <how>',
        'how images of training were made smaller (default: bilinear, as OpenCV does)',
      ).choices(['bilinear', 'average']),
    );
}

/** The same as `importModel` takes it. */
export function networkOptions(
  flags: NetworkFlags,
): Pick<ImportOptions, 'head' | 'layout' | 'size' | 'normalization' | 'anchor' | 'padValue' | 'resize'> {
  return {
    normalization: given({ colorOrder: flags.color, scale: flags.scale, mean: flags.mean, std: flags.std }),
    layout: { ...flags.layout, ...given({ decoded: flags.decoded }) },
    ...given({
      head: flags.head,
      size: flags.size,
      anchor: flags.anchor,
      padValue: flags.pad,
      resize: flags.resize,
    }),
  };
}

/** Words of --layout. */
const LAYOUT_WORDS: Readonly<Record<string, Omit<LayoutHints, 'head'>>> = {
  rows: { axes: 'rows' },
  channels: { axes: 'channels' },
  corners: { box: 'corners' },
  centers: { box: 'centers' },
  pixels: { unit: 'pixels' },
  normalized: { unit: 'normalized' },
  classes: { scores: 'classes' },
  objectness: { scores: 'objectness' },
  label: { scores: 'label' },
  suppressed: { suppressed: true },
  unsuppressed: { suppressed: false },
  background: { background: true },
  'no-background': { background: false },
};

function parseLayout(text: string): Omit<LayoutHints, 'head'> {
  const hints = text.split(',').map((word) => {
    const hint = LAYOUT_WORDS[word.trim()];
    if (hint === undefined)
      throw new InvalidArgumentError(`Known are ${Object.keys(LAYOUT_WORDS).join(', ')}.`);
    return hint;
  });
  return Object.assign({}, ...hints) as Omit<LayoutHints, 'head'>;
}

function parseNumber(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('It must be a number.');
  return value;
}

function parseByte(text: string): number {
  const value = parseNumber(text);
  if (!Number.isInteger(value) || value < 0 || value > 255) {
    throw new InvalidArgumentError('It must be a whole number from 0 to 255.');
  }
  return value;
}

function parseTriple(text: string): readonly [number, number, number] {
  const [a, b, c, ...rest] = text.split(',').map(parseNumber);
  if (a === undefined || b === undefined || c === undefined || rest.length > 0) {
    throw new InvalidArgumentError('It must be three numbers, such as 123.7,116.3,103.5.');
  }
  return [a, b, c];
}

function parseSize(text: string): { width: number; height: number } {
  const match = /^(\d+)x(\d+)$/.exec(text);
  if (match === null) throw new InvalidArgumentError('It must be WIDTHxHEIGHT, such as 640x640.');
  return { width: Number(match[1]), height: Number(match[2]) };
}

/** 4096 names of 100 characters, and room. */
const MAX_LABEL_BYTES = 2 ** 20;

/** Class names, one a line of a file, or "coco80". Throws GOSHAWK_FILE_UNREADABLE. */
export async function readLabels(source: string): Promise<readonly string[]> {
  if (source === 'coco80') return COCO80;
  let text: string;
  try {
    text = new TextDecoder().decode(await readRegularFile(source, MAX_LABEL_BYTES));
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new GoshawkError('GOSHAWK_FILE_UNREADABLE', { file: source, reason }, { cause });
  }
  return text
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '');
}

/** An object without the entries that are undefined. */
export function given<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
