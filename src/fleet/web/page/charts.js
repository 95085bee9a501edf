// Charts over time, by uPlot: lines that break where nothing is known, and spans in which windows are missing.
/* exported drawChart, clearCharts, LINE_COLORS */

/** @typedef {import('uplot')} Plot */
/** @typedef {{ name: string, color: string, isDashed?: boolean, xs: number[], ys: (number | null)[] }} Line seconds */
/** @typedef {{ from: number, to: number, isDeclared: boolean }} Span in seconds */
/** @typedef {{ title: string, unit: string, digits: number, lines: Line[], note?: string }} Chart */

/** Distinguishable in both schemes, also for the color blind (Okabe and Ito). */
const LINE_COLORS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9'];
const CHART_HEIGHT = 190;
const MIN_WIDTH = 200;
const makePlot = /** @type {{ uPlot: typeof import('uplot') }} */ (/** @type {unknown} */ (globalThis)).uPlot;
/** @type {Map<string, { plot: Plot, signature: string, note: HTMLElement, box: HTMLElement }>} */
const plots = new Map();
/** What all charts show now: the time in seconds, and spans without windows. */
const shownTime = { from: 0, to: 1, /** @type {readonly Span[]} */ spans: [] };

/** @param {string} name */
const cssColor = (name) =>
  getComputedStyle(document.documentElement)
    .getPropertyValue('--' + name)
    .trim();

/** @param {Plot} plot marks spans in which windows are missing */
function shadeSpans(plot) {
  const { ctx, bbox } = plot;
  ctx.save();
  for (const { from, to, isDeclared } of shownTime.spans) {
    const left = Math.max(bbox.left, plot.valToPos(from, 'x', true));
    const right = Math.min(bbox.left + bbox.width, plot.valToPos(to, 'x', true));
    if (right < bbox.left || left > bbox.left + bbox.width) continue;
    ctx.globalAlpha = 0.25;
    ctx.fillStyle = cssColor(isDeclared ? 'warn' : 'bad');
    ctx.fillRect(left, bbox.top, Math.max(3, right - left), bbox.height);
  }
  ctx.restore();
}
/** @param {number} seconds local time of a tick: the date at midnight */
function tickOf(seconds) {
  const at = new Date(seconds * 1000);
  const two = (/** @type {number} */ value) => String(value).padStart(2, '0');
  const isMidnight = at.getHours() === 0 && at.getMinutes() === 0 && at.getSeconds() === 0;
  if (isMidnight) return two(at.getMonth() + 1) + '-' + two(at.getDate());
  return (
    two(at.getHours()) +
    ':' +
    two(at.getMinutes()) +
    (at.getSeconds() === 0 ? '' : ':' + two(at.getSeconds()))
  );
}
/** @param {Chart} chart @param {HTMLElement} box @returns {import('uplot').Options} */
function optionsOf({ lines, unit, digits }, box) {
  const axis = {
    stroke: cssColor('dim'),
    grid: { stroke: cssColor('line'), width: 1 },
    ticks: { show: false },
  };
  return {
    width: Math.max(MIN_WIDTH, box.clientWidth),
    height: CHART_HEIGHT,
    cursor: { sync: { key: 'robot' }, drag: { x: false, y: false } },
    scales: {
      x: { range: () => [shownTime.from, shownTime.to] },
      y: { range: (_plot, _low, high) => [0, high > 0 ? high * 1.08 : 1] },
    },
    axes: [
      { ...axis, size: 32, values: (_plot, values) => values.map(tickOf) },
      { ...axis, size: 56, values: (_plot, values) => values.map((one) => String(one)) },
    ],
    series: [
      { value: '{YYYY}-{MM}-{DD} {HH}:{mm}:{ss}', label: 'time' },
      ...lines.map(({ name, color, isDashed }) => ({
        label: name,
        stroke: color,
        width: 1.5,
        ...(isDashed ? { dash: [4, 3] } : {}),
        value: (/** @type {Plot} */ _plot, /** @type {number | null} */ value) =>
          value === null ? '-' : value.toFixed(digits) + ' ' + unit,
      })),
    ],
    hooks: { drawClear: [shadeSpans] },
  };
}
/** @param {Chart} chart the last value of each line, for those who do not see it */
function describeChart({ title, lines, unit, digits }) {
  const last = lines.map(({ name, ys }) => {
    const value = ys.findLast((one) => one !== null);
    return name + ' ' + (typeof value === 'number' ? value.toFixed(digits) + ' ' + unit : 'none');
  });
  return title + '. Last values: ' + (last.join(', ') || 'none');
}
/** @param {string} title */
function boxOf(title) {
  const section = document.createElement('section');
  const heading = document.createElement('h2');
  heading.textContent = title;
  const box = document.createElement('div');
  box.setAttribute('role', 'img');
  const note = document.createElement('p');
  section.append(heading, box, note);
  $('charts').append(section);
  sizes.observe(box);
  return { box, note };
}
/** @param {Chart} chart @param {{ from: number, to: number, spans: readonly Span[] }} time */
function drawChart(chart, time) {
  Object.assign(shownTime, time);
  /** @type {import('uplot').AlignedData} */
  const data = chart.lines.length === 0 ? [[]] : makePlot.join(chart.lines.map(({ xs, ys }) => [xs, ys]));
  const signature = JSON.stringify([chart.lines.map(({ name }) => name), cssColor('dim')]);
  const known = plots.get(chart.title);
  const { box, note } = known ?? boxOf(chart.title);
  if (known !== undefined && known.signature === signature) known.plot.setData(data);
  else {
    known?.plot.destroy();
    const plot = new makePlot(optionsOf(chart, box), data, box);
    plots.set(chart.title, { plot, signature, note, box });
  }
  box.setAttribute('aria-label', describeChart(chart));
  note.textContent = chart.note ?? '';
}
function clearCharts() {
  sizes.disconnect();
  for (const { plot } of plots.values()) plot.destroy();
  plots.clear();
  $('charts').replaceChildren();
}
/** A chart has the width of its box, which changes with the window and when other charts come. */
const sizes = new ResizeObserver(() => {
  for (const { plot, box } of plots.values())
    if (plot.width !== box.clientWidth)
      plot.setSize({ width: Math.max(MIN_WIDTH, box.clientWidth), height: CHART_HEIGHT });
});
