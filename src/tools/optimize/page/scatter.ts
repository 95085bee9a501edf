import type { OptimizeReport } from '../../../contract/optimize.ts';
import { scaleOf, xAxis, yAxis, type Field } from './axis.ts';
import { html, NOTHING, type Markup } from './markup.ts';

type Candidate = OptimizeReport['candidates'][number];
type Verdict = Candidate['verdict'];

const FIELD: Field = { left: 66, top: 16, width: 500, height: 300 };
/** Losses beyond so many times the floor are drawn at the edge: ruined models would press the rest together. */
const MOST_FLOORS = 4;

const SHAPES: Readonly<Record<Verdict | 'original', string>> = {
  chosen: 'M0,-9 L2.6,-3.2 L9,-2.8 L4.2,1.6 L5.6,8 L0,4.6 L-5.6,8 L-4.2,1.6 L-9,-2.8 L-2.6,-3.2 Z',
  kept: 'M0,-7 L7,0 L0,7 L-7,0 Z',
  accepted: 'M-4.5,0 A4.5,4.5 0 1 0 4.5,0 A4.5,4.5 0 1 0 -4.5,0 Z',
  refused: 'M-4,-4 L4,4 M-4,4 L4,-4',
  failed: 'M-4,-4 L4,4 M-4,4 L4,-4',
  original: 'M-5,-5 H5 V5 H-5 Z',
};

export interface ScatterOptions {
  readonly report: OptimizeReport;
  readonly title: string;
  readonly xTitle: string;
  /** null leaves a candidate out */
  readonly x: (candidate: Candidate) => number | null;
  readonly xFormat: (value: number) => string;
}

/** Every candidate by what it costs in accuracy and what it gains; the floor is a line, names are on the points. */
export function scatter({ report, title, xTitle, x, xFormat }: ScatterOptions): Markup {
  const floor = 100 * report.options.maxApDrop;
  const points = report.candidates.flatMap((candidate) => {
    const gain = x(candidate);
    if (gain === null || candidate.accuracy === null) return [];
    return [{ candidate, gain, loss: 100 * candidate.accuracy.expectedDrop }];
  });
  const most = Math.max(MOST_FLOORS * floor, 2);
  const least = Math.min(0, ...points.map(({ loss }) => loss));
  const right = Math.max(1.05, ...points.map(({ gain }) => gain)) * 1.03;
  const xScale = scaleOf(0, right, FIELD.left, FIELD.left + FIELD.width);
  const yScale = scaleOf(least - 0.05 * most, most, FIELD.top, FIELD.top + FIELD.height);
  const marks = points.map(({ candidate, gain, loss }) => {
    const isOriginal = candidate.kind === 'original';
    const kind = isOriginal ? 'original' : candidate.verdict;
    const place = `translate(${xScale.at(gain).toFixed(1)},${yScale.at(Math.min(loss, most)).toFixed(1)})`;
    const off = loss > most ? ' (beyond the edge)' : '';
    const text = `${candidate.id}: ${xFormat(gain)}, ${loss.toFixed(2)} points expected to be lost${off}. ${candidate.reason}`;
    const named = isOriginal || kind === 'chosen' || kind === 'kept';
    const label = named
      ? html`<text class="label" x="11" dy="0.32em">${isOriginal ? 'original' : candidate.id}</text>`
      : NOTHING;
    return html`<g transform="${place}" class="point ${kind}"
      ><title>${text}</title><path d="${SHAPES[kind]}" />${label}</g
    >`;
  });
  const y = yScale.at(floor).toFixed(1);
  return html`<figure>
    <figcaption>${title}</figcaption>
    <svg viewBox="0 0 600 372" role="img" aria-label="${title}">
      ${xAxis({ field: FIELD, scale: xScale, title: xTitle, format: xFormat, count: 6 })}
      ${yAxis({ field: FIELD, scale: yScale, title: 'AP lost, points', format: String, count: 6 })}
      <line class="floor" x1="${FIELD.left}" y1="${y}" x2="${FIELD.left + FIELD.width}" y2="${y}" />
      <text class="label floor-label" x="${FIELD.left + FIELD.width - 4}" y="${y}" dy="-5" text-anchor="end">
        floor
      </text>
      ${marks}
    </svg>
  </figure>`;
}
