import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { optimizeReportSchema, type OptimizeReport } from '../../../src/contract/optimize.ts';
import { scaleOf, ticks } from '../../../src/tools/page/axis.ts';
import { html } from '../../../src/tools/page/markup.ts';
import { renderOptimizePage } from '../../../src/tools/optimize/page/page.ts';
import { summarizeOptimize } from '../../../src/tools/optimize/summary.ts';
import { latencyOf } from './candidates.ts';

const HOSTILE = `<script>alert("x")</script>'&`;
const digest = 'a'.repeat(64);

function report(name: string): OptimizeReport {
  const final = {
    ap: 0.4,
    ap50: 0.6,
    interval: { low: 0.3, high: 0.5 },
    drop: 0.002,
    dropInterval: { low: -0.001, high: 0.004 },
    apByClass: { [name]: 0.5, empty: null },
    precisionRecall50: Array.from({ length: 101 }, (_, i) => 1 - i / 100),
  };
  const candidate = {
    scheme: null,
    sha256: digest,
    bytes: 1000,
    quantizedLayers: 0,
    floatLayers: 0,
    accuracy: {
      ap: 0.4,
      drop: 0,
      dropInterval: null,
      dropDeviation: 0,
      agreement: 1,
      expectedDrop: 0,
      expectedDeviation: 0,
    },
    latencyMs: latencyOf(1),
    verdict: 'kept',
    reason: name,
  } as const;
  return optimizeReportSchema.parse({
    schema: 'goshawk.report.optimize/1',
    startedAt: '2026-01-01T00:00:00.000Z',
    host: { cpu: name, cores: 2, memoryBytes: 1, os: 'linux', node: '20', ros: null, providers: ['cpu'] },
    seconds: 60,
    bundle: { name, version: '1.0.0', digest },
    source: {
      model: name,
      name,
      version: '1.0.0',
      digest,
      head: 'yolox',
      labels: 2,
      input: { width: 64, height: 64 },
      parameters: 1,
      macs: 1,
    },
    options: {
      maxApDrop: 0.01,
      maxLatencyMs: null,
      timeBudgetMinutes: null,
      threads: 1,
      seed: 1,
      searchShare: 0.5,
    },
    data: {
      annotations: { file: name, digest },
      calibration: { folder: name, images: 1, digest },
      search: { images: 1, objects: 1, digest },
      final: { images: 1, objects: 1, digest },
    },
    conditions: {
      provider: 'cpu',
      threads: 1,
      spinning: false,
      preprocess: 'sharp',
      score: 0.01,
      iou: 0.65,
      maxBoxes: 300,
      multiLabel: true,
      confidence: 0.95,
      resamples: 10,
      latencyRatioOf: 'cpu',
      latencyRounds: 1,
      latencyRunsPerRound: 1,
    },
    clean: {
      steps: [name],
      nodesBefore: 2,
      nodesAfter: 1,
      dynamicBatch: true,
      maxAbsoluteDifference: 0,
      maxRelativeDifference: 0,
      pictures: 5,
      refused: null,
    },
    original: { bytes: 1000, searchAp: 0.4, final },
    candidates: [
      { ...candidate, id: 'original', kind: 'original' },
      { ...candidate, id: name, kind: 'static', verdict: 'chosen' },
      { ...candidate, id: 'broken', kind: 'static', verdict: 'failed', accuracy: null, latencyMs: null },
    ],
    notTried: [{ what: name, reason: 'time budget' }],
    sensitivity: [
      { node: name, opType: 'Conv', error: 0.01, parameters: 3, outputShape: [1, 2], keptInFloat: true },
      { node: 'b', opType: 'Conv', error: null, parameters: 3, outputShape: ['batch'], keptInFloat: false },
    ],
    byFloor: [{ maxApDrop: 0.01, fastest: name, latencyRatio: 0.5, smallest: name, bytesRatio: 0.3 }],
    variants: [
      {
        id: 'int8',
        candidate: name,
        file: 'int8.onnx',
        precision: 'int8',
        providers: ['cpu'],
        bytes: 300,
        bytesRatio: 0.3,
        reason: name,
        final,
        confirmed: false,
        latencyMs: latencyOf(0.5),
      },
    ],
    outcome: {
      gained: true,
      confirmed: false,
      contradicted: [],
      speedup: 2,
      bytesRatio: 0.3,
      apDrop: 0.002,
      text: name,
    },
    tensorrt: { candidate: name, findings: [name] },
    toolVersions: { [name]: '1' },
    memory: { processPeakBytes: 1e8, quantizerPeakBytes: null },
    steps: [{ name, seconds: 1, reused: true }],
  });
}

describe('renderOptimizePage', () => {
  it('escapes untrusted text', () => {
    const page = renderOptimizePage(report(HOSTILE));
    expect(page).not.toContain('<script');
    expect(page).toContain('&lt;script&gt;alert(&quot;x&quot;)&lt;/script&gt;&#39;&amp;');
  });

  it('loads nothing from elsewhere', () => {
    const page = renderOptimizePage(report('model'));
    expect(page).not.toMatch(/https?:|src=|href=|@import|url\(/);
    expect(page).not.toMatch(/NaN|undefined|Infinity/);
  });

  it('closes every tag that it opens', () => {
    const page = renderOptimizePage(report('model'));
    const single = new Set(['meta', 'br', '!doctype']);
    const open: string[] = [];
    for (const [tag, slash, name = ''] of page.matchAll(/<(\/?)([a-z!]+[0-9]?)\b[^>]*>/gi)) {
      if (slash === '/') expect(open.pop()).toBe(name.toLowerCase());
      else if (!single.has(name.toLowerCase()) && !tag.endsWith('/>')) open.push(name.toLowerCase());
    }
    expect(open).toEqual([]);
  });

  it('shows each plot and every candidate with its reason', () => {
    const page = renderOptimizePage(report('model'));
    for (const title of ['Accuracy against latency', 'Accuracy against size', 'Sensitivity by layer']) {
      expect(page).toContain(title);
    }
    expect(page).toContain('Precision and recall');
    expect(page).toContain('AP by class');
    expect(page).toContain('failed: model');
  });

  it('renders without classes, layers and candidates', () => {
    const bare = {
      ...report('model'),
      sensitivity: [],
      variants: [],
      byFloor: [],
      notTried: [],
      bundle: null,
    };
    const page = renderOptimizePage({ ...bare, candidates: [] });
    expect(page).toContain('No bundle was written');
    expect(page).not.toMatch(/NaN|undefined|Infinity/);
  });
});

describe('summarizeOptimize', () => {
  it('states what each variant costs and gains', () => {
    expect(summarizeOptimize(report('model'))).toContain(
      'int8       AP 40.00   lost 0.20 (95 %: -0.10 to 0.40), 30 % of the bytes, 5.00 ms = ' +
        '0.50 of the original  [model]',
    );
  });
});

describe('html', () => {
  it('escapes everything that is not markup', () => {
    expect(html`<b title="${'"<>&\''}">${html`<i>${'<'}</i>`}${[html`1`, html`2`]}${3}</b>`.text).toBe(
      '<b title="&quot;&lt;&gt;&amp;&#39;"><i>&lt;</i>123</b>',
    );
  });
});

describe('ticks', () => {
  const range = fc
    .tuple(fc.double({ min: -1e3, max: 1e3, noNaN: true }), fc.double({ min: 1e-3, max: 1e3, noNaN: true }))
    .map(([low, span]) => [low, low + span] as const);

  it('are round, within the range, evenly spaced, and about as many as requested', () => {
    fc.assert(
      fc.property(range, fc.integer({ min: 2, max: 10 }), ([low, high], count) => {
        const marks = ticks(low, high, count);
        expect(marks.length).toBeGreaterThanOrEqual(Math.floor(count / 3));
        expect(marks.length).toBeLessThanOrEqual(1.6 * count + 1);
        const slack = (high - low) * 1e-6;
        for (const mark of marks) {
          expect(mark).toBeGreaterThanOrEqual(low - slack);
          expect(mark).toBeLessThanOrEqual(high + slack);
        }
      }),
    );
    expect(ticks(0, 1, 5)).toEqual([0, 0.2, 0.4, 0.6, 0.8, 1]);
  });

  it('map the ends of a scale to its ends, even for an empty range', () => {
    expect([scaleOf(2, 4, 10, 20).at(2), scaleOf(2, 4, 10, 20).at(4)]).toEqual([10, 20]);
    expect(scaleOf(3, 3, 0, 10).at(3)).toBe(0);
  });
});
