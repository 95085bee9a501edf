import { describe, expect, it } from 'vitest';
import type { DriftReference } from '../../../src/contract/drift-reference.ts';
import { reportCameras } from '../../../src/tools/drift/report/camera-view.ts';
import { between, historyOf, readDriftHistory } from '../../../src/tools/drift/report/history.ts';
import { renderDriftPage } from '../../../src/tools/drift/report/page.ts';
import { minute, windowOf } from './windows.ts';

const BOOT = '5f0f6a0e-6f1c-4f4e-8f55-0d6f3a3c1f10';

/** A line of `goshawk telemetry tail`. */
function lineOf(headerId: number, body: object, robot = 'r1', stream = 'drift'): string {
  const header = { headerId, timestamp: minute(headerId), version: '1.3.0', manufacturer: 'goshawk' };
  return `${stream} ${JSON.stringify({ ...header, serialNumber: robot, node: 'run', bootId: BOOT, ...body })}`;
}

const thrownBy = (work: () => unknown): unknown => {
  try {
    return work();
  } catch (error) {
    return error;
  }
};

describe('a file of drift windows', () => {
  it('is what "telemetry tail" prints: other streams, repetitions and broken lines are left out', () => {
    const [one, two] = [windowOf({ index: 0 }), windowOf({ index: 1 })];
    const text = [
      lineOf(1, two),
      lineOf(0, one),
      lineOf(7, { kind: 'drift_detected' }, 'r1', 'event'),
      lineOf(1, two),
      'drift {"window":',
      'not a message',
      '',
    ].join('\n');
    const { windows, notes } = readDriftHistory('tail.txt', text);
    expect(windows.map(({ window }) => window.start)).toEqual([minute(0), minute(1)]);
    expect(notes).toEqual(['2 lines are not messages', '1 messages are there twice, and count once']);
  });

  it('may have messages without headers, one a line', () => {
    const body = JSON.stringify(windowOf({ index: 0 }));
    expect(readDriftHistory('bodies.jsonl', `${body}\n${body}\n`)).toMatchObject({
      windows: [{ window: { start: minute(0) } }],
      notes: ['1 messages are there twice, and count once'],
    });
  });

  it('of several robots needs a choice', () => {
    const text = [lineOf(0, windowOf({ index: 0 })), lineOf(0, windowOf({ index: 1 }), 'r2')].join('\n');
    expect(readDriftHistory('two.txt', text, 'r2').windows.map(({ window }) => window.start)).toEqual([
      minute(1),
    ]);
    expect(thrownBy(() => readDriftHistory('two.txt', text))).toMatchObject({ code: 'GOSHAWK_FILE_INVALID' });
  });

  it.each(['', '{}', '[]', 'drift null', '\u0000'])('without a window is refused: %j', (text) => {
    expect(thrownBy(() => readDriftHistory('none.txt', text))).toMatchObject({
      code: 'GOSHAWK_FILE_INVALID',
    });
  });
});

describe('what a page shows', () => {
  const windows = [
    windowOf({ index: 0, state: 'ok', values: { brightness: [0.5, 0.52], box_x: [0.5] } }),
    windowOf({ index: 1, state: 'drifted', values: { brightness: [0.1, 0.12], box_x: [0.5] } }),
    windowOf({ index: 2, state: 'drifted', values: { brightness: [0.1, 0.12] } }),
  ];

  it('compares windows that are not ok with those that are, the strongest effect first', () => {
    const [view] = reportCameras(historyOf(windows, []), null);
    expect(view).toMatchObject({ camera: 'front', state: 'drifted', worst: 'drifted' });
    expect(view?.now).toHaveLength(2);
    expect(view?.features.map(({ name, against }) => [name, against])).toEqual([
      ['brightness', 'earlier'],
      ['box_x', 'earlier'],
    ]);
    expect(view?.features[0]?.effect?.wasserstein).toBeGreaterThan(5);
    expect(view?.features[1]?.effect?.wasserstein).toBe(0);
    expect(view?.classes).toEqual([{ label: 'person', now: 2, earlier: 2 }]);
  });

  it('changes state once, and not at a window that repeats it', () => {
    expect(historyOf(windows, []).changes.map(({ verdict }) => [verdict.at, verdict.state])).toEqual([
      [minute(2), 'drifted'],
    ]);
  });

  it('is a part of the period if asked for', () => {
    const part = between(historyOf(windows, []), Date.parse(minute(2)), Infinity);
    expect(part.windows.map(({ window }) => window.start)).toEqual([minute(2)]);
  });

  it('does not compare histograms of another table of features', () => {
    const [view] = reportCameras(historyOf([windowOf({ index: 0, table: 999 })], []), null);
    expect(view?.features).toEqual([]);
    expect(view?.windows).toHaveLength(1);
  });

  it('does not compare with the reference of another bundle', () => {
    const referenceOf = (digest: string): DriftReference =>
      ({
        camera: null,
        bundle: { name: 'person', version: '1.0.0', digest },
        contexts: [{ name: 'day', columns: { brightness: [0.5, 0.52] } }],
      }) as unknown as DriftReference;
    const againstOf = (digest: string): unknown =>
      reportCameras(historyOf(windows, []), referenceOf(digest))[0]?.features.map(({ against }) => against);
    expect(againstOf('a'.repeat(64))).toEqual(['reference', 'earlier']);
    expect(againstOf('b'.repeat(64))).toEqual(['earlier', 'earlier']);
  });

  it('draws no line through windows without a value', () => {
    const none = windowOf({ index: 1 });
    const gap = { ...none, cameras: none.cameras.map((camera) => ({ ...camera, agreement: null })) };
    const history = historyOf([windowOf({ index: 0 }), gap, windowOf({ index: 2 })], []);
    const page = renderDriftPage({ source: 'gap', history, reference: null });
    expect(page.match(/<polyline class="line-first"/g)).toHaveLength(2);
  });

  it('is a page even without windows', () => {
    const page = renderDriftPage({ source: 'none', history: historyOf([], []), reference: null });
    expect(page).toContain('no windows');
  });
});
