import { html, type Markup } from './markup.ts';

/** Position of the plot area inside the drawing, in the drawing's units. */
export interface Field {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

export interface Scale {
  readonly low: number;
  readonly high: number;
  /** position on the drawing */
  at(value: number): number;
}

/** A linear scale from `low..high` to positions; `high` is always above `low`. */
export function scaleOf(low: number, high: number, from: number, to: number): Scale {
  const span = high > low ? high - low : 1;
  return { low, high: low + span, at: (value) => from + ((value - low) / span) * (to - from) };
}

/** Lower bounds at which a step size is nearer than the next smaller one. */
const STEPS = [
  [Math.sqrt(50), 10],
  [Math.sqrt(10), 5],
  [Math.sqrt(2), 2],
] as const;

/** Round numbers (1, 2 or 5 times a power of ten apart) from low to high, about `count` of them. */
export function ticks(low: number, high: number, count: number): number[] {
  const raw = (high - low) / Math.max(1, count);
  const power = 10 ** Math.floor(Math.log10(raw));
  // the nearest of 1, 2, 5 and 10 on a logarithmic scale
  const [, factor = 1] = STEPS.find(([from]) => raw / power >= from) ?? [];
  const step = factor * power;
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

export interface AxisOptions {
  readonly field: Field;
  readonly scale: Scale;
  readonly title: string;
  readonly format: (value: number) => string;
  /** approximate number of ticks */
  readonly count: number;
}

/** Tick labels and grid lines of the x axis. */
export function xAxis({ field, scale, title, format, count }: AxisOptions): Markup {
  const bottom = field.top + field.height;
  const marks = ticks(scale.low, scale.high, count).map((value) => {
    const x = scale.at(value).toFixed(1);
    return html`<line class="grid" x1="${x}" y1="${field.top}" x2="${x}" y2="${bottom}" /><text
        class="tick"
        x="${x}"
        y="${bottom + 18}"
        text-anchor="middle"
        >${format(value)}</text
      >`;
  });
  return html`${marks}<text
      class="axis"
      x="${field.left + field.width / 2}"
      y="${bottom + 40}"
      text-anchor="middle"
      >${title}</text
    >`;
}

/** Tick labels and grid lines of the y axis. */
export function yAxis({ field, scale, title, format, count }: AxisOptions): Markup {
  const right = field.left + field.width;
  const marks = ticks(scale.low, scale.high, count).map((value) => {
    const y = scale.at(value).toFixed(1);
    return html`<line class="grid" x1="${field.left}" y1="${y}" x2="${right}" y2="${y}" /><text
        class="tick"
        x="${field.left - 8}"
        y="${y}"
        dy="0.32em"
        text-anchor="end"
        >${format(value)}</text
      >`;
  });
  const middle = field.top + field.height / 2;
  return html`${marks}<text
      class="axis"
      transform="translate(${field.left - 48},${middle}) rotate(-90)"
      text-anchor="middle"
      >${title}</text
    >`;
}
