import type { OptimizeReport } from '../../../contract/optimize.ts';
import { scaleOf, xAxis, yAxis, type Field } from '../../page/axis.ts';
import { html, type Markup } from '../../page/markup.ts';

type Candidate = OptimizeReport['candidates'][number];
type Verdict = Candidate['verdict'];

const FIELD: Field = { left: 66, top: 16, width: 500, height: 300 };
/**
 * Losses beyond this many times the floor are drawn at the edge, because ruined models would compress the
 * rest.
 */
const MAX_FLOORS = 4;
/** Latencies and sizes beyond this share of the original are drawn at the edge too. */
const MAX_GAIN = 1.3;
const LABEL_HEIGHT = 15;

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
  /** null omits a candidate */
  readonly x: (candidate: Candidate) => number | null;
  readonly xFormat: (value: number) => string;
}

/** A candidate and its position on the drawing. */
interface Placed {
  readonly candidate: Candidate;
  readonly kind: Verdict | 'original';
  readonly x: number;
  readonly y: number;
  readonly text: string;
}

/**
 * Every candidate by its loss of accuracy and its gain. The floor is a line; points have names. Points beyond
 * the edges are drawn on them.
 */
export function scatter({ report, title, xTitle, x, xFormat }: ScatterOptions): Markup {
  const floor = 100 * report.options.maxApDrop;
  const points = report.candidates.flatMap((candidate) => {
    const gain = x(candidate);
    if (gain === null || candidate.accuracy === null) return [];
    return [{ candidate, gain, loss: 100 * candidate.accuracy.expectedDrop }];
  });
  const most = Math.max(MAX_FLOORS * floor, 2);
  const least = Math.min(0, ...points.map(({ loss }) => loss));
  const xScale = scaleOf(0, MAX_GAIN, FIELD.left, FIELD.left + FIELD.width);
  const yScale = scaleOf(least - 0.05 * most, most, FIELD.top, FIELD.top + FIELD.height);
  const placed = points.map(({ candidate, gain, loss }): Placed => {
    const off = loss > most || gain > MAX_GAIN ? ' (beyond the edge)' : '';
    return {
      candidate,
      kind: candidate.kind === 'original' ? 'original' : candidate.verdict,
      x: xScale.at(Math.min(gain, MAX_GAIN)),
      y: yScale.at(Math.min(loss, most)),
      text:
        `${candidate.id}: ${xFormat(gain)}, ${loss.toFixed(2)} points expected to be lost${off}. ` +
        `${candidate.reason}`,
    };
  });
  const y = yScale.at(floor).toFixed(1);
  return html`<figure>
    <figcaption>${title}</figcaption>
    <svg viewBox="0 0 600 372" role="img" aria-label="${title}">
      ${xAxis({ field: FIELD, scale: xScale, title: xTitle, format: xFormat, count: 6 })}
      ${yAxis({ field: FIELD, scale: yScale, title: 'AP lost, points', format: String, count: 6 })}
      <line class="floor" x1="${FIELD.left}" y1="${y}" x2="${FIELD.left + FIELD.width}" y2="${y}" />
      <text class="label floor-label" x="${FIELD.left + 6}" y="${y}" dy="-5">floor</text>
      ${placed.map(point)}${labels(placed)}
    </svg>
  </figure>`;
}

function point({ kind, x, y, text }: Placed): Markup {
  const place = `translate(${x.toFixed(1)},${y.toFixed(1)})`;
  return html`<g class="point ${kind}" transform="${place}"
    ><title>${text}</title><path d="${SHAPES[kind]}"
  /></g>`;
}

/** Names of the variants in the bundle, on the side with room, stacked if points are close together. */
function labels(placed: readonly Placed[]): Markup[] {
  const named = placed.filter(({ kind }) => kind === 'original' || kind === 'chosen' || kind === 'kept');
  const taken: { y: number; isLeft: boolean }[] = [];
  return [...named]
    .sort((a, b) => a.y - b.y)
    .map(({ candidate, x, y }) => {
      const isLeft = x > FIELD.left + FIELD.width / 2;
      let place = y;
      for (const label of taken) {
        if (label.isLeft === isLeft && Math.abs(label.y - place) < LABEL_HEIGHT)
          place = label.y + LABEL_HEIGHT;
      }
      taken.push({ y: place, isLeft });
      const at = (isLeft ? x - 12 : x + 12).toFixed(1);
      return html`<text
        class="label"
        x="${at}"
        y="${place.toFixed(1)}"
        dy="0.32em"
        text-anchor="${isLeft ? 'end' : 'start'}"
        >${candidate.id}</text
      >`;
    });
}
