// Triage: what is wrong where, the best explanation first, with what cameras show now and what is usual.
/* exported clipsAsked, showTriage, triageLinks */

/** @typedef {import('../../../contract/fleet/drift.ts').TriageReport} TriageReport */
/** @typedef {TriageReport['answers'][number]} TriageAnswer */
/** @typedef {TriageAnswer['features'][number]} ShiftedFeature */

const HISTOGRAM_HEIGHT = 130;
const SHOWN_HISTOGRAMS = 4;
const SHOWN_CAMERAS = 12;
const SHOWN_CLIPS = 3;
/** Robots whose clips are asked for: of each answer the first, those that are most affected. */
const MAX_CLIP_ROBOTS = 5;
/** Why robots record what triage is about; other clips are somebody's own. */
const CLIP_REASONS = ['drift', 'low_confidence', 'disagreement', 'policy'];
/** @type {Record<TriageAnswer['kind'], string>} as in docs/runbooks/triage.md */
const TO_DO = {
  camera: 'Look at a clip. Clean the lens, focus it, or turn the camera back.',
  robot: 'Look at a clip. Compare its settings and its place with robots beside it.',
  site: 'Look at a clip. Wait if it is weather; if it stays, declare it as a context of references.',
  season:
    'What did all robots get if it came suddenly? Otherwise declare it as a context, and plan training data.',
  model: 'Compare the bundle with the one before on labels; go back if they agree.',
};
const HISTOGRAM_COLORS = { usual: '#56b4e9', now: '#d55e00' };
/** @type {{ plot: Plot, box: HTMLElement }[]} */
const histograms = [];

/** @param {number} share */
const percent = (share) => fixed(100 * share, 0) + ' %';
/** @param {string} tag @param {string} text @param {string} [className] */
function element(tag, text, className) {
  const made = document.createElement(tag);
  made.textContent = text;
  if (className !== undefined) made.className = className;
  return made;
}
/** @param {number} value */
const short = (value) => String(Number(value.toPrecision(3)));

/** @param {number[]} edges @returns {import('uplot').Options} bins are equally wide, with their edges below */
function histogramOptions(edges) {
  const axis = {
    stroke: cssColor('dim'),
    grid: { stroke: cssColor('line'), width: 1 },
    ticks: { show: false },
  };
  const paths = makePlot.paths.bars?.({ size: [0.9, Infinity] });
  /** @param {string} label @param {string} color */
  const series = (label, color) => ({
    label,
    stroke: color,
    fill: color + '55',
    ...(paths === undefined ? {} : { paths }),
    value: (/** @type {Plot} */ _plot, /** @type {number | null} */ value) =>
      value === null ? '-' : percent(value),
  });
  return {
    width: MIN_WIDTH,
    height: HISTOGRAM_HEIGHT,
    cursor: { drag: { x: false, y: false } },
    scales: { x: { time: false } },
    axes: [
      {
        ...axis,
        size: 26,
        values: (_plot, bins) => bins.map((bin) => (edges[bin] === undefined ? '' : short(edges[bin]))),
      },
      { ...axis, size: 44, values: (_plot, shares) => shares.map(percent) },
    ],
    series: [
      {
        label: 'up to',
        value: (_plot, bin) => (bin === null ? '-' : edges[bin] === undefined ? 'above' : short(edges[bin])),
      },
      series('usual', HISTOGRAM_COLORS.usual),
      series('now', HISTOGRAM_COLORS.now),
    ],
  };
}
/** @param {ShiftedFeature} feature only the bins that are not empty, and one on each side */
function shownBins({ histograms: shown }) {
  if (shown === null) return [];
  const used = shown.now
    .map((share, bin) => (share > 0 || (shown.usual[bin] ?? 0) > 0 ? bin : -1))
    .filter((bin) => bin >= 0);
  const first = Math.max(0, (used[0] ?? 0) - 1);
  const last = Math.min(shown.now.length - 1, (used.at(-1) ?? 0) + 1);
  return Array.from({ length: last - first + 1 }, (_one, at) => first + at);
}
/** @param {ShiftedFeature} feature */
function featureText({ feature, sigmas, now, usual, unit }) {
  const means =
    now === null || usual === null
      ? ''
      : ': ' + short(now) + ' ' + unit + ', usually ' + short(usual) + ' ' + unit;
  return feature.replaceAll('_', ' ') + ' ' + (sigmas >= 0 ? '+' : '') + fixed(sigmas, 1) + ' sigma' + means;
}
/** @param {ShiftedFeature} feature */
function featureBox(feature) {
  const figure = document.createElement('figure');
  figure.append(element('figcaption', featureText(feature)));
  if (feature.histograms === null) return figure;
  const box = document.createElement('div');
  box.setAttribute('role', 'img');
  box.setAttribute('aria-label', 'Histograms now and usually. ' + featureText(feature));
  figure.append(box);
  const bins = shownBins(feature);
  const { edges, now, usual } = feature.histograms;
  const data = /** @type {import('uplot').AlignedData} */ ([
    bins,
    bins.map((bin) => usual[bin] ?? 0),
    bins.map((bin) => now[bin] ?? 0),
  ]);
  histograms.push({ plot: new makePlot(histogramOptions(edges), data, box), box });
  histogramSizes.observe(box);
  return figure;
}
/** @param {TriageAnswer['cameras'][number]} camera */
function cameraItem({ site, robot, node, camera, bundle, size, state }) {
  const item = document.createElement('li');
  const link = document.createElement('a');
  link.href = '#' + robotPath({ site, robot });
  link.textContent = site + '/' + robot;
  item.append(link, ' ' + camera + ' (' + node + ')');
  if (state !== null)
    item.append(' ', badge(state, state === 'drifted' ? 'bad' : state === 'ok' ? 'good' : 'warn'));
  item.append(
    element('span', ' ' + fixed(size, 1) + ' sigma' + (bundle === null ? '' : ', ' + bundle.name), 'dim'),
  );
  return item;
}
/** @param {TriageAnswer} answer */
function evidenceOf({ certainty, explained, suddenness, since, members, affected, causes }) {
  /** @type {[string, string][]} */
  const facts = [
    ['certainty', percent(certainty)],
    ['of all shifts of the fleet', percent(explained)],
    ['cameras affected', affected + ' of ' + members],
    ['came', suddenness === null ? 'not known' : suddenness > 0.6 ? 'suddenly' : 'gradually'],
    ['first seen by a robot', since === null ? 'by none' : since.replace('T', ' ').slice(0, 16) + ' UTC'],
    [
      'likely causes',
      causes.map(({ words, cameras }) => words + ' (' + cameras + ')').join('; ') || 'none named',
    ],
  ];
  const list = document.createElement('dl');
  list.append(...facts.map(([name, value]) => factOf(name, value)));
  return list;
}
/** @param {TriageReport} report @returns {string[]} paths of robots whose clips are shown */
function clipsAsked({ answers }) {
  const first = answers.flatMap(({ cameras: [camera] }) => (camera === undefined ? [] : [robotPath(camera)]));
  return [...new Set(first)].slice(0, MAX_CLIP_ROBOTS);
}
/** @param {{ site: string, robot: string }} camera */
const robotPath = ({ site, robot }) => '/' + encodeURIComponent(site) + '/' + encodeURIComponent(robot);
/** @param {TriageAnswer} answer @param {ReadonlyMap<string, Clips>} clips by the path of the robot */
function clipsOfAnswer({ cameras: [first] }, clips) {
  const path = first === undefined ? '' : robotPath(first);
  return clipList(path, clips.get(path) ?? [], (all) =>
    all
      .filter(({ clip }) => CLIP_REASONS.includes(clip.reason) && clip.cameras.includes(first?.camera ?? ''))
      .slice(0, SHOWN_CLIPS),
  );
}
/** @param {TriageAnswer} answer @param {number} at @param {ReadonlyMap<string, Clips>} clips */
function answerCard(answer, at, clips) {
  const card = document.createElement('section');
  const heading = document.createElement('h2');
  heading.className = 'name';
  heading.tabIndex = -1;
  heading.append(badge(answer.kind, at === 0 ? 'bad' : 'warn'), answer.text);
  const features = document.createElement('div');
  features.className = 'histograms';
  features.append(...answer.features.slice(0, SHOWN_HISTOGRAMS).map(featureBox));
  const cameras = document.createElement('ul');
  cameras.setAttribute('aria-label', 'Cameras affected');
  cameras.append(...answer.cameras.slice(0, SHOWN_CAMERAS).map(cameraItem));
  const more = answer.affected - Math.min(SHOWN_CAMERAS, answer.cameras.length);
  if (more > 0) cameras.append(element('li', 'and ' + more + ' more', 'dim'));
  const toDo = element('p', TO_DO[answer.kind]);
  card.append(heading, toDo, evidenceOf(answer), features, cameras, clipsOfAnswer(answer, clips));
  if (answer.alternatives.length > 0)
    card.append(
      element('p', 'Rather than: ' + answer.alternatives.map(({ text }) => text).join('; '), 'dim'),
    );
  return card;
}
/** @param {TriageReport} report @param {ReadonlyMap<string, Clips>} clips */
function showTriage({ start, end, cameras, answers }, clips) {
  const focused = document.activeElement instanceof HTMLAnchorElement ? document.activeElement.hash : '';
  const clip = focusedClip();
  histogramSizes.disconnect();
  for (const { plot } of histograms.splice(0)) plot.destroy();
  const local = (/** @type {string} */ time) => new Date(time).toTimeString().slice(0, 5);
  $('triage-facts').textContent =
    local(start) +
    ' to ' +
    local(end) +
    ': ' +
    cameras.total +
    ' cameras, ' +
    cameras.compared +
    ' compared, ' +
    cameras.states.drifted +
    ' drifted' +
    (cameras.sampled < cameras.total ? ' (' + cameras.sampled + ' looked at)' : '');
  $('answers').replaceChildren(
    ...(answers.length === 0
      ? [element('p', 'Nothing stands out.')]
      : answers.map((answer, at) => answerCard(answer, at, clips))),
  );
  triageLinks()
    .find(({ hash }) => hash === focused)
    ?.focus();
  focusClip($('answers'), clip);
}
/** To robots, and not those that save a clip. */
const triageLinks = () => [
  .../** @type {NodeListOf<HTMLAnchorElement>} */ (document.querySelectorAll('#answers a[href^="#"]')),
];
const histogramSizes = new ResizeObserver(() => {
  for (const { plot, box } of histograms)
    if (plot.width !== box.clientWidth)
      plot.setSize({ width: Math.max(MIN_WIDTH, box.clientWidth), height: HISTOGRAM_HEIGHT });
});
