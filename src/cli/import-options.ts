import { InvalidArgumentError, Option, type Command } from 'commander';
import { GoshawkError } from '../contract/errors.ts';
import { COCO80 } from '../core/coco-labels.ts';
import { HEADS, type Head } from '../core/heads/head-table.ts';
import type { LayoutHints } from '../core/heads/output-layout.ts';
import type { LetterboxAnchor, LetterboxResize } from '../core/image/letterbox.ts';
import type { ImportOptions } from '../device/authoring/import-model.ts';
import { given } from './kit/given.ts';
import { anyNumber, sizeOption, threeNumbers, wholeFrom, type Size } from './kit/options.ts';
import { readRegularFile } from '../platform/regular-file.ts';

/** What a foreign ONNX file does not state about itself. */
export interface NetworkFlags {
  readonly head?: Head;
  readonly decoded?: boolean;
  readonly layout?: Omit<LayoutHints, 'head'>;
  readonly size?: Size;
  readonly color?: 'rgb' | 'bgr';
  readonly scale?: number;
  readonly mean?: readonly [number, number, number];
  readonly std?: readonly [number, number, number];
  readonly anchor?: LetterboxAnchor;
  readonly pad?: number;
  readonly resize?: LetterboxResize;
}

/** Adds the options that describe how a foreign network takes images and lays out its outputs. */
export function addNetworkOptions(command: Command): Command {
  return command
    .addOption(
      new Option('--head <head>', 'how to read the output (default: detected by running the graph)').choices(
        HEADS,
      ),
    )
    .option('--decoded', 'boxes are decoded in the graph (default: detected by running it)')
    .option('--no-decoded', 'boxes are relative to their grid cells')
    .option(
      '--layout <words>',
      'how boxes are laid out in the output, as far as known, such as "rows,corners,pixels": ' +
        `${Object.keys(LAYOUT_WORDS).join(', ')}`,
      parseLayout,
    )
    .addOption(sizeOption('--size <WxH>', 'network input, for a graph that leaves it open'))
    .addOption(
      new Option('--color <order>', 'channel order in training (default: by head)').choices(['rgb', 'bgr']),
    )
    .option('--scale <factor>', 'multiplies pixels of 0..255 (default: by head)', anyNumber)
    .option('--mean <a,b,c>', 'subtracted after scaling, in the channel order of training', threeNumbers)
    .option('--std <a,b,c>', 'divided by after that', threeNumbers)
    .addOption(
      new Option('--anchor <place>', 'where the image is placed in the input (default: by head)').choices([
        'top-left',
        'center',
      ]),
    )
    .option('--pad <value>', 'gray of the border, 0..255 (default: 114)', wholeFrom(0, 255))
    .addOption(
      new Option(
        '--resize <how>',
        'how training images were scaled down (default: bilinear, as in OpenCV)',
      ).choices(['bilinear', 'average']),
    );
}

/** The flags as options of `importModel`. */
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

/** The words that --layout accepts. */
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
    if (hint === undefined) throw new InvalidArgumentError(`Known: ${Object.keys(LAYOUT_WORDS).join(', ')}.`);
    return hint;
  });
  return Object.assign({}, ...hints) as Omit<LayoutHints, 'head'>;
}

/** 4096 names of 100 characters, with room to spare. */
const MAX_LABEL_BYTES = 2 ** 20;

/** Reads class names, one per line of a file, or "coco80". Throws GOSHAWK_FILE_UNREADABLE. */
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
