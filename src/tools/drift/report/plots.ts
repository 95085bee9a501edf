import { binBounds, sharesOf } from '../../../core/drift/window-effects.ts';
import { FEATURES } from '../../../core/drift/features.ts';
import { scaleOf, xAxis, yAxis, type Field } from '../../page/axis.ts';
import { html, NOTHING, type Markup } from '../../page/markup.ts';
import type { ReportedCamera, FeatureView, ViewedWindow } from './camera-view.ts';

const at = (value: number): string => value.toFixed(1);

/** A value for a person: three digits. */
export const short = (value: number): string => String(Number(value.toPrecision(3)));

/** A time for a person, UTC. */
export const timeOf = (ms: number): string => new Date(ms).toISOString().slice(0, 19).replace('T', ' ');

const HISTOGRAM: Field = { left: 10, top: 10, width: 400, height: 130 };

/** The bins of a feature that have values, now and in comparison. Bins have the same width, whatever they cover. */
export function histogramPlot(feature: FeatureView): Markup {
  const { name, now, reference } = feature;
  const [p, q] = [sharesOf(name, now), reference === null ? null : sharesOf(name, reference)];
  const used = p.map((share, i) => share > 0 || (q?.[i] ?? 0) > 0);
  const [first, last] = [used.indexOf(true), used.lastIndexOf(true)];
  const bounds = binBounds(name);
  const width = HISTOGRAM.width / (last - first + 1);
  const scale = scaleOf(0, Math.max(...p, ...(q ?? [])), HISTOGRAM.top + HISTOGRAM.height, HISTOGRAM.top);
  const bars = bounds.slice(first, last + 1).map(([low, high], i) => {
    const [share, before] = [p[first + i]!, q?.[first + i]];
    const left = HISTOGRAM.left + i * width;
    const was = before === undefined ? '' : `, ${percent(before)} before`;
    const text = `${short(low)} to ${short(high)}: ${percent(share)} now${was}`;
    return html`<g
      ><title>${text}</title>${rect('now', left, width, scale.at(share))}${
        before === undefined ? NOTHING : rect('was', left, width, scale.at(before))
      }</g
    >`;
  });
  const foot = HISTOGRAM.top + HISTOGRAM.height + 16;
  const right = HISTOGRAM.left + HISTOGRAM.width;
  return html`<figure>
    <figcaption>${name.replaceAll('_', ' ')}</figcaption>
    <p class="soft">${effectWords(feature)}</p>
    <svg viewBox="0 0 420 160" role="img" aria-label="Histogram of ${name}">
      ${bars}
      <text class="tick" x="${HISTOGRAM.left}" y="${foot}">${short(bounds[first]![0])}</text>
      <text class="tick" x="${right}" y="${foot}" text-anchor="end">
        ${short(bounds[last]![1])} ${FEATURES[name].unit}
      </text>
    </svg>
  </figure>`;
}

function rect(kind: 'now' | 'was', left: number, width: number, top: number): Markup {
  const bottom = HISTOGRAM.top + HISTOGRAM.height;
  return html`<rect
    class="${kind}"
    x="${at(left + 1)}"
    y="${at(top)}"
    width="${at(Math.max(1, width - 2))}"
    height="${at(Math.max(0, bottom - top))}"
  />`;
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

const AGAINST = { reference: 'in the reference', earlier: 'in earlier windows' } as const;

function effectWords({ effect, against }: FeatureView): string {
  if (effect === null || against === null) return 'nothing to compare with';
  const { now, reference, wasserstein, psi } = effect;
  return (
    `mean ${short(now)} now, ${short(reference)} ${AGAINST[against]}; ` +
    `Wasserstein ${short(wasserstein)} sigma, PSI ${short(psi)}`
  );
}

const LANE: Field = { left: 66, top: 8, width: 1100, height: 36 };

/** The state of a camera at each window, from left to right. */
export function timeline({ camera, windows }: ReportedCamera): Markup {
  const time = timeScale(windows);
  const bands = windows.map(
    ({ startMs, endMs, state }) =>
      html`<rect
        class="state-${state ?? 'none'}"
        x="${at(time.at(startMs))}"
        y="${LANE.top}"
        width="${at(Math.max(1, time.at(endMs) - time.at(startMs)))}"
        height="${LANE.height}"
        ><title>${timeOf(startMs)} to ${timeOf(endMs)}: ${state ?? 'no verdict'}</title></rect
      >`,
  );
  const foot = LANE.top + LANE.height + 18;
  return html`<figure>
    <figcaption>States</figcaption>
    <p class="legend">${LEGEND}</p>
    <svg viewBox="0 0 1200 72" role="img" aria-label="States of ${camera}">
      ${bands}
      <text class="tick" x="${LANE.left}" y="${foot}">${timeOf(time.low)}</text>
      <text class="tick" x="${LANE.left + LANE.width}" y="${foot}" text-anchor="end">
        ${timeOf(time.high)} UTC
      </text>
    </svg>
  </figure>`;
}

const LEGEND = ['ok', 'suspect', 'drifted', 'recovering', 'none'].map(
  (state) => html`<span class="swatch state-${state}"></span>${state === 'none' ? 'no verdict' : state} `,
);

function timeScale(windows: readonly ViewedWindow[]) {
  const low = Math.min(...windows.map(({ startMs }) => startMs));
  const high = Math.max(...windows.map(({ endMs }) => endMs));
  return scaleOf(low, high, LANE.left, LANE.left + LANE.width);
}

/** A share of each window, as a line with a name. */
export interface Series {
  readonly name: string;
  readonly kind: 'first' | 'second';
  readonly valueOf: (window: ViewedWindow) => number | null;
}

const LINES: Field = { left: 66, top: 12, width: 1100, height: 160 };

/** Shares 0..1 over time; nothing if no window has one. */
export function sharePlot(
  title: string,
  windows: readonly ViewedWindow[],
  series: readonly Series[],
): Markup {
  const time = timeScale(windows);
  const scale = scaleOf(0, 1, LINES.top + LINES.height, LINES.top);
  const lines = series.flatMap(({ name, kind, valueOf }) => {
    const points = windows.map((window) => {
      const value = valueOf(window);
      return value === null
        ? null
        : `${at(time.at((window.startMs + window.endMs) / 2))},${at(scale.at(value))}`;
    });
    const runs = runsOf(points);
    return runs.length === 0 ? [] : [{ name, kind, runs }];
  });
  if (lines.length === 0) return NOTHING;
  return html`<figure>
    <figcaption>${title}</figcaption>
    <p class="legend">
      ${lines.map(({ name, kind }) => html`<span class="swatch line-${kind}"></span>${name} `)}
    </p>
    <svg viewBox="0 0 1200 220" role="img" aria-label="${title}">
      ${yAxis({ field: LINES, scale, title: 'share', format: (value) => value.toFixed(1), count: 4 })}
      ${xAxis({ field: LINES, scale: time, title: 'UTC', format: (ms) => timeOf(ms).slice(11), count: 6 })}
      ${lines.flatMap(({ kind, runs }) =>
        runs.map((points) => html`<polyline class="line-${kind}" points="${points.join(' ')}" />`),
      )}
      ${lines.flatMap(({ kind, runs }) =>
        runs.flat().map((point) => {
          const [x = '', y = ''] = point.split(',');
          return html`<circle class="line-${kind}" cx="${x}" cy="${y}" r="3" />`;
        }),
      )}
    </svg>
  </figure>`;
}

/** Points that follow each other; a window without a value breaks the line. */
function runsOf(points: readonly (string | null)[]): string[][] {
  const runs: string[][] = [[]];
  for (const point of points)
    if (point === null) runs.push([]);
    else runs.at(-1)!.push(point);
  return runs.filter((run) => run.length > 0);
}
