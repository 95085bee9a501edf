import type { OptimizeReport } from '../../../contract/optimize.ts';
import { renderDocument, styleAt } from '../../page/document.ts';
import { html, NOTHING, type Markup } from '../../page/markup.ts';
import { factTable } from '../../page/table.ts';
import { classPlot, recallPlot, sensitivityPlot } from './plots.ts';
import { scatter } from './scatter.ts';
import { candidateTable, floorTable, percent, asPoints, stepTable, variantTable } from './tables.ts';

const OWN_STYLE = new URL('page.css', import.meta.url);

/** The report as one self-contained page, without external scripts, fonts or images. */
export function renderOptimizePage(report: OptimizeReport): string {
  const { source, outcome, data } = report;
  const title = `${source.name} ${source.version}, optimized`;
  const [first] = report.variants;
  const before = report.original.final;
  const after = first?.final ?? before;
  const original = report.candidates.find(({ kind }) => kind === 'original')?.bytes ?? report.original.bytes;
  const body = html`<h1>${title}</h1>
    <p class="soft">
      ${report.startedAt} on ${report.host.cpu}, ${report.host.cores} cores, ${report.options.threads}
      thread(s); ${report.candidates.length} candidates in ${(report.seconds / 60).toFixed(1)} minutes
    </p>
    <p>${outcome.text}</p>
    ${cards(report)}
    <h2>The bundle</h2>
    ${bundleLine(report.bundle)} ${variantTable(report)}
    <p class="soft">
      Accuracy on ${data.final.images} images that nothing was chosen by (${data.final.objects} objects);
      intervals by bootstrap over images, before and after on the same resamples.
    </p>
    <h2>What was tried</h2>
    <div class="plots">
      ${[
        scatter({
          report,
          title: 'Accuracy against latency',
          xTitle: 'latency, share of the original',
          x: ({ latencyMs, scheme }) =>
            scheme?.['target'] === 'tensorrt' ? null : (latencyMs?.ratio ?? null),
          xFormat: (value) => value.toFixed(2),
        }),
        scatter({
          report,
          title: 'Accuracy against size',
          xTitle: 'bytes, share of the original',
          x: ({ bytes }) => (bytes === 0 ? null : bytes / original),
          xFormat: percent,
        }),
      ]}
    </div>
    <p class="soft">
      Star: first variant; diamond: other variants; dot: within the floor; cross: refused. The loss is what
      search part and agreement together make likely. Names are on the points.
    </p>
    ${floorTable(report)} ${notTried(report)}
    <h2>Where accuracy goes</h2>
    ${sensitivityPlot(report.sensitivity)}
    <div class="plots">${[recallPlot(before, after), classPlot(before, after)]}</div>
    <h2>All candidates</h2>
    <details>
      <summary>${report.candidates.length} candidates, each with the reason</summary>
      ${candidateTable(report)}
    </details>
    <h2>How it was measured</h2>
    ${factTable(facts(report))}
    <details>
      <summary>Seconds by step</summary>
      ${stepTable(report)}
    </details>`;
  return renderDocument(title, styleAt(OWN_STYLE), body);
}

function bundleLine(bundle: OptimizeReport['bundle']): Markup {
  if (bundle === null) return html`<p class="warn">No bundle was written.</p>`;
  return html`<p class="soft">${bundle.name} ${bundle.version}, digest <code>${bundle.digest}</code></p>`;
}

function cards({ outcome, variants, original, memory }: OptimizeReport): Markup {
  const smallest = Math.min(...variants.map(({ bytesRatio }) => bytesRatio), outcome.bytesRatio);
  const values: [string, string][] = [
    [`${outcome.speedup.toFixed(2)}×`, 'as fast as the source'],
    [percent(outcome.bytesRatio), `of the bytes (smallest variant ${percent(smallest)})`],
    [asPoints(outcome.apDrop), `points of AP lost, of ${asPoints(original.final.ap)}`],
    [outcome.confirmed ? 'yes' : 'no', 'confirmed on images not used for choosing'],
    [
      `${Math.round(Math.max(memory.processPeakBytes, memory.quantizerPeakBytes ?? 0) / 1e6)} MB`,
      'peak memory of one process',
    ],
  ];
  return html`<div class="cards">
    ${values.map(([value, name]) => html`<div class="card"><b>${value}</b><span>${name}</span></div>`)}
  </div>`;
}

function notTried({ notTried: left }: OptimizeReport): Markup {
  if (left.length === 0) return NOTHING;
  const what = left.map((entry) => `${entry.what} (${entry.reason})`).join('; ');
  return html`<p class="warn">Not tried: ${what}</p>`;
}

function facts(report: OptimizeReport): [string, string][] {
  const { conditions, data, clean, source, options, toolVersions, memory, tensorrt } = report;
  const megabytes = (bytes: number | null): string =>
    bytes === null ? 'unknown' : `${Math.round(bytes / 1e6)} MB`;
  return [
    [
      'model',
      `${source.model}, ${source.head}, ${source.input.width}x${source.input.height}, ` +
        `${source.labels} classes, ${source.parameters} parameters, sha256 ${source.digest}`,
    ],
    ['floor', `${asPoints(options.maxApDrop)} asPoints`],
    [
      'labeled images',
      `${data.annotations.file}, sha256 ${data.annotations.digest}; search part ` +
        `${data.search.images}, choice part ${data.choice?.images ?? 0}, final part ` +
        `${data.final.images}, split by seed ${options.seed}`,
    ],
    [
      'calibration images',
      `${data.calibration.images} of ${data.calibration.folder}, sha256 ${data.calibration.digest}`,
    ],
    [
      'accuracy',
      `preprocess ${conditions.preprocess}, score > ${conditions.score}, IoU ` +
        `${conditions.iou}, at most ${conditions.maxBoxes} boxes; ${conditions.resamples} resamples`,
    ],
    [
      'latency',
      `${conditions.provider} provider, ${conditions.threads} thread(s), ` +
        `${conditions.spinning ? 'spinning' : 'no spinning between runs'}; graphs in turn, ` +
        `${conditions.latencyRounds} rounds of ${conditions.latencyRunsPerRound} runs; ratios by ` +
        `${conditions.latencyRatioOf === 'cpu' ? 'CPU time of the process' : 'wall-clock time'}`,
    ],
    [
      'clean graph',
      clean.refused === null
        ? `${clean.nodesBefore} nodes became ${clean.nodesAfter}; on ${clean.pictures} images the ` +
          `outputs differ by at most ${clean.maxRelativeDifference.toExponential(1)} of their ` +
          `size; ${clean.steps.join('; ')}`
        : `not used: ${clean.refused}`,
    ],
    [
      'TensorRT rules',
      tensorrt === null
        ? 'no graph for TensorRT was made'
        : tensorrt.findings.length === 0
          ? `${tensorrt.candidate} follows them`
          : tensorrt.findings.join('; '),
    ],
    [
      'peak memory',
      `this process ${megabytes(memory.processPeakBytes)}, quantizer ${megabytes(memory.quantizerPeakBytes)}`,
    ],
    [
      'tools',
      Object.entries(toolVersions)
        .map(([name, version]) => `${name} ${version}`)
        .join(', '),
    ],
  ];
}
