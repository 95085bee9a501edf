import type { DriftReference } from '../../../contract/drift-reference.ts';
import { accuracyWords, estimateAt } from '../../../core/drift/window-accuracy.ts';
import { verdictWords, type WindowVerdict } from '../../../core/drift/window-verdict.ts';
import { renderDocument, styleAt } from '../../page/document.ts';
import { html, NOTHING, type Markup } from '../../page/markup.ts';
import { table } from '../../page/table.ts';
import { reportCameras, type ReportedCamera } from './camera-view.ts';
import type { DriftHistory, StateChange } from './history.ts';
import { histogramPlot, sharePlot, short, timeline, timeOf } from './plots.ts';

const OWN_STYLE = new URL('report.css', import.meta.url);

export interface ReportFacts {
  /** where the windows are from, such as a file */
  readonly source: string;
  readonly history: DriftHistory;
  /** null for none */
  readonly reference: { readonly file: string; readonly reference: DriftReference } | null;
}

/** What the cameras showed in a period as one self-contained page, without scripts. */
export function renderDriftPage({ source, history, reference }: ReportFacts): string {
  const cameras = reportCameras(history, reference?.reference ?? null);
  const body = html`<h1>What the cameras showed</h1>
    <p class="soft">${source}; ${periodOf(history)}</p>
    ${history.notes.map((note) => html`<p class="warn">${note}</p>`)} ${cards(history, cameras)}
    ${bundlesOf(history)} ${referenceLine(reference)} ${cameras.map(cameraSection)}`;
  return renderDocument('What the cameras showed', styleAt(OWN_STYLE), body);
}

function periodOf({ windows }: DriftHistory): string {
  if (windows.length === 0) return 'no windows';
  const starts = windows.map(({ window }) => Date.parse(window.start));
  const ends = windows.map(({ window }) => Date.parse(window.end));
  return `${timeOf(Math.min(...starts))} to ${timeOf(Math.max(...ends))} UTC`;
}

function cards({ windows }: DriftHistory, cameras: readonly ReportedCamera[]): Markup {
  const values: [string, string][] = [
    [String(cameras.length), cameras.length === 1 ? 'camera' : 'cameras'],
    [String(windows.length), windows.length === 1 ? 'window' : 'windows'],
    ...cameras
      .slice(0, 6)
      .map(({ camera, worst, state }): [string, string] => [
        worst ?? 'no verdict',
        `${camera}: most severe state; ${state ?? 'none'} at the end`,
      ]),
  ];
  return html`<div class="cards">
    ${values.map(([value, name]) => html`<div class="card"><b>${value}</b><span>${name}</span></div>`)}
  </div>`;
}

function bundlesOf({ windows }: DriftHistory): Markup {
  const bundles = new Map(
    windows.flatMap(({ bundle }) => (bundle === null ? [] : [[bundle.digest, bundle]])),
  );
  return html`${[...bundles.values()].map(
    ({ name, version, digest, variant, provider }) =>
      html`<p class="soft">
        Bundle ${name} ${version} (${variant}, ${provider}), digest <code>${digest}</code>
      </p>`,
  )}`;
}

function referenceLine(reference: ReportFacts['reference']): Markup {
  if (reference === null) return NOTHING;
  const names = reference.reference.contexts.map(({ name }) => name).join(', ');
  return html`<p class="soft">Reference ${reference.file}, contexts: ${names}</p>`;
}

function cameraSection(view: ReportedCamera): Markup {
  return html`<h2>Camera ${view.camera}</h2>
    <p>${nowWords(view)}</p>
    ${timeline(view)} ${changeTable(view)} ${view.changes.map(evidence)}
    ${sharePlot('Agreement of kept and removed boxes', view.windows, [
      { name: 'consistency C', kind: 'first', valueOf: ({ consistency }) => consistency },
      { name: 'reliability R', kind: 'second', valueOf: ({ reliability }) => reliability },
    ])}
    ${sharePlot('Accuracy', view.windows, [
      {
        name: 'estimated share of the AP that is kept',
        kind: 'first',
        valueOf: ({ drift }) => drift.accuracy?.share ?? null,
      },
      { name: 'AP over labeled frames', kind: 'second', valueOf: ({ drift }) => drift.labeled?.ap ?? null },
    ])}
    ${accuracyLine(view)}
    <p class="legend">
      <span class="swatch now-swatch"></span>now <span class="swatch was-swatch"></span>compared with;
      strongest effect first
    </p>
    <div class="plots">${view.features.map(histogramPlot)}</div>
    ${classTable(view)}`;
}

/** What the newest window with an estimate says. */
function accuracyLine({ windows }: ReportedCamera): Markup {
  const newest = windows.findLast(({ drift }) => drift.accuracy !== undefined)?.drift.accuracy;
  return newest === undefined ? NOTHING : html`<p class="soft">At the end: ${accuracyWords(newest)}</p>`;
}

/** Which windows are compared with which. */
function nowWords({ now, earlier, windows }: ReportedCamera): string {
  const frames = windows.reduce((sum, { drift }) => sum + drift.frames + drift.unmeasured, 0);
  const counted = `${windows.length} windows with ${frames} frames.`;
  if (now.length === windows.length) return `${counted} All of them are "now".`;
  return (
    `${counted} "Now" are the ${now.length} that are not ok; features that the reference does not have are ` +
    `compared with the ${earlier.length} that are.`
  );
}

function changeTable({ changes, windows }: ReportedCamera): Markup {
  if (changes.length === 0) return html`<p class="soft">No change of state.</p>`;
  const drifts = windows.map(({ drift }) => drift);
  const rows = changes.map(
    ({ verdict }) =>
      html`<tr>
        <td>${timeOf(Date.parse(verdict.at))}</td>
        <td>${verdict.state}</td>
        <td>${verdict.since === null ? '' : timeOf(Date.parse(verdict.since))}</td>
        <td class="n">${short(verdict.evidence)}</td>
        <td>${verdictWords(verdict, estimateAt(drifts, verdict.at))}</td>
      </tr>`,
  );
  return table(
    [
      ['time, UTC', false],
      ['state', false],
      ['since', false],
      ['evidence over alarm', true],
      ['what', false],
    ],
    rows,
  );
}

/** What an alarm is based on. */
function evidence({ verdict }: StateChange): Markup {
  if (verdict.state !== 'drifted') return NOTHING;
  return html`<details>
    <summary>Alarm of ${timeOf(Date.parse(verdict.at))}: ${verdict.cause?.words ?? 'unknown'}</summary>
    ${(verdict.cause?.evidence ?? []).map((line) => html`<p>${line}</p>`)} ${shiftTable(verdict.features)}
  </details>`;
}

function shiftTable(features: WindowVerdict['features']): Markup {
  const rows = features.map(
    (one) =>
      html`<tr>
        <td>${one.feature}</td>
        <td class="n">${(100 * one.share).toFixed(0)} %</td>
        <td class="n">${short(one.now)}</td>
        <td class="n">${short(one.reference)}</td>
        <td class="n">${one.sigmas.toFixed(1)}</td>
        <td class="n">${short(one.wasserstein)}</td>
        <td class="n">${short(one.psi)}</td>
      </tr>`,
  );
  return table(
    [
      ['feature', false],
      ['of the evidence', true],
      ['now', true],
      ['in the context', true],
      ['sigma', true],
      ['Wasserstein, sigma', true],
      ['PSI', true],
    ],
    rows,
  );
}

function classTable({ classes }: ReportedCamera): Markup {
  if (classes.length === 0) return NOTHING;
  const rate = (value: number | null): string => (value === null ? '' : short(value));
  const rows = classes.map(
    ({ label, now, earlier }) =>
      html`<tr>
        <td>${label}</td>
        <td class="n">${rate(now)}</td>
        <td class="n">${rate(earlier)}</td>
      </tr>`,
  );
  return html`<details>
    <summary>Boxes by class</summary>
    ${table(
      [
        ['class', false],
        ['a frame now', true],
        ['a frame in ok windows', true],
      ],
      rows,
    )}
  </details>`;
}
