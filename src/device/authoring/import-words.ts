import type { OutputLayout } from '../../core/heads/output-layout.ts';
import type { Normalization } from '../../model/onnx/fold.ts';

/** How outputs are read, in words: `8400 boxes (centers in pixels), 80 classes, not suppressed`. */
export function layoutWords({
  rows,
  box,
  unit,
  scores,
  classes,
  suppressed,
  logits,
  background,
}: OutputLayout): string {
  const units = {
    pixels: 'in pixels',
    normalized: 'in shares of the input',
    cells: 'relative to their cells',
  };
  const count = classes === null ? 'classes' : `${classes} ${classes === 1 ? 'class' : 'classes'}`;
  const scored = {
    label: 'a score and a label each',
    objectness: `an objectness and ${count} each`,
    classes: `${count} each`,
  };
  return [
    `${rows ?? 'so many'} boxes as ${box} ${units[unit]}`,
    `${scored[scores]}${background ? ' and one of "nothing"' : ''}${logits ? ' (logits)' : ''}`,
    suppressed ? 'each object once' : 'not suppressed',
  ].join(', ');
}

/** `RGB, 0..1`. */
export function pixelWords({ colorOrder, scale, mean }: Normalization): string {
  const range = scale === 1 ? '0..255' : Math.abs(scale * 255 - 1) < 1e-9 ? '0..1' : `scaled by ${scale}`;
  return `${colorOrder.toUpperCase()}, ${range}${mean.some((value) => value !== 0) ? ', less a mean' : ''}`;
}
