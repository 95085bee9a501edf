// One robot: how it is, its history, its ledger.
/* exported showOne, showLedger, RANGES */

/** @typedef {import('../../../contract/fleet/api.ts').RobotHistory} RobotHistory */
/** @typedef {import('../../../contract/fleet/api.ts').CameraPoint} CameraPoint */
/** @typedef {import('../../../contract/fleet/api.ts').HostPoint} HostPoint */
/** @typedef {import('../../../contract/fleet-ledger.ts').FleetLedger} Ledger */

/** Times that can be shown, and how often they are asked for again. */
const RANGES = [
  { name: '1 h', hours: 1, points: 360, pollMs: 10_000 },
  { name: '24 h', hours: 24, points: 288, pollMs: 60_000 },
  { name: '7 d', hours: 168, points: 168, pollMs: 60_000 },
  { name: '30 d', hours: 720, points: 720, pollMs: 60_000 },
];
/** The hour of a robot that began minutes ago shows these minutes. */
const MIN_SHOWN_SECONDS = 600;
const SHORT_SECONDS = 2 * 3600;

/** @param {string} time */
const secondsOf = (time) => Date.parse(time) / 1000;
/**
 * A line that breaks where nothing is known between the end of a point and the start of the next.
 * @template {{ start: string, end: string }} Point
 * @param {string} name @param {string} color @param {readonly Point[]} points
 * @param {(point: Point) => number | null} value
 * @returns {Line}
 */
function lineOf(name, color, points, value) {
  /** @type {number[]} */
  const xs = [];
  /** @type {(number | null)[]} */
  const ys = [];
  points.forEach((point, at) => {
    const before = points[at - 1];
    if (before !== undefined && secondsOf(point.start) - secondsOf(before.end) > 1) {
      xs.push(secondsOf(before.end));
      ys.push(null);
    }
    xs.push(secondsOf(point.start));
    ys.push(value(point));
  });
  return { name, color, xs, ys };
}
/** @param {number} at */
const colorAt = (at) => LINE_COLORS[at % LINE_COLORS.length] ?? '#888888';
/** @param {RobotHistory} history */
function camerasOf({ cameras, robot }) {
  const isOne = robot.nodes.length === 1;
  return cameras.map(({ node, camera, points }, at) => ({
    name: isOne ? camera : node + ' ' + camera,
    color: colorAt(at),
    points,
  }));
}
/** @param {number} count @param {number} seconds */
const rateOf = (count, seconds) => (seconds > 0 ? count / seconds : null);
/** @param {RobotHistory} history @returns {Chart[]} */
function chartsOf(history) {
  const cameras = camerasOf(history);
  const reasons = [
    ...new Set(cameras.flatMap(({ points }) => points.flatMap(({ drops }) => Object.keys(drops)))),
  ].sort();
  /** @param {string} name @param {string} title @param {number} scale @param {string} unit @param {number} digits */
  const host = (name, title, scale, unit, digits) => ({
    title,
    unit,
    digits,
    lines: history.hosts.flatMap(({ node, points }, at) => {
      const known = points.filter(({ values }) => values[name] !== undefined);
      const label = history.hosts.length === 1 ? '' : node + ' ';
      return known.length === 0
        ? []
        : [
            lineOf(label + 'mean', colorAt(at), known, ({ values }) => (values[name]?.mean ?? 0) * scale),
            {
              ...lineOf(
                label + 'max',
                colorAt(at + 1),
                known,
                ({ values }) => (values[name]?.max ?? 0) * scale,
              ),
              isDashed: true,
            },
          ];
    }),
  });
  return [
    {
      title: 'Frames published a second',
      unit: '/s',
      digits: 1,
      lines: cameras.map(({ name, color, points }) =>
        lineOf(name, color, points, ({ published, seconds }) => rateOf(published, seconds)),
      ),
    },
    {
      title: 'Latency',
      unit: 'ms',
      digits: 1,
      lines: cameras.flatMap(({ name, color, points }, at) => [
        lineOf(name + ' p50', color, points, ({ latencyMs }) => latencyMs?.p50 ?? null),
        {
          ...lineOf(name + ' p99', colorAt(at + 1), points, ({ latencyMs }) => latencyMs?.p99 ?? null),
          isDashed: true,
        },
      ]),
    },
    {
      title: 'Frames dropped a second, by reason',
      unit: '/s',
      digits: 2,
      lines: reasons.flatMap((reason, at) =>
        cameras
          .filter(({ points }) => points.some(({ drops }) => (drops[reason] ?? 0) > 0))
          .map(({ name, points }) =>
            lineOf(
              cameras.length === 1 ? reason : reason + ' ' + name,
              colorAt(at),
              points,
              ({ drops, seconds }) => rateOf(drops[reason] ?? 0, seconds),
            ),
          ),
      ),
      ...(reasons.length === 0 ? { note: 'no frame was dropped' } : {}),
    },
    host('cpuRatio', 'CPU of the machine', 100, '%', 0),
    host('memoryUsedBytes', 'Memory of the machine in use', 1 / 2 ** 20, 'MiB', 0),
    host('temperatureCelsius', 'Temperature, hottest sensor', 1, '°C', 0),
  ];
}
/** @param {RobotHistory} history */
function timeOf({ start, end, cameras, hosts, missing }) {
  const starts = [...cameras, ...hosts].flatMap(({ points }) => points[0]?.start ?? []).map(secondsOf);
  const to = secondsOf(end);
  const isShort = to - secondsOf(start) <= SHORT_SECONDS;
  const first = isShort ? Math.min(...starts, to) : secondsOf(start);
  return {
    from: Math.max(secondsOf(start), Math.min(first, to - MIN_SHOWN_SECONDS)),
    to,
    spans: missing.map((span) => ({
      from: secondsOf(span.start),
      to: secondsOf(span.end),
      isDeclared: span.isDeclared,
    })),
  };
}
/** @param {RobotHistory['missing']} missing */
function missingText(missing) {
  /** @param {boolean} declared */
  const count = (declared) =>
    missing
      .filter(({ isDeclared }) => isDeclared === declared)
      .reduce((sum, { numbers }) => sum + numbers, 0);
  const [lost, silent] = [count(true), count(false)];
  return [lost > 0 ? lost + ' declared lost' : '', silent > 0 ? silent + ' missing without a word' : '']
    .filter((text) => text !== '')
    .join(', ');
}
/** @param {RobotHistory} answer */
function showOne(answer) {
  const { robot, generatedAt, missing } = answer;
  $('name').replaceChildren(
    robot.site + '/' + robot.robot + ' ',
    badge(robot.liveness, KINDS[robot.liveness]),
  );
  $('troubles').replaceChildren(
    ...robot.troubles.map(({ kind, severity, text }) => {
      const item = document.createElement('li');
      item.append(badge(kind.replaceAll('_', ' '), KINDS[severity]), text);
      return item;
    }),
  );
  /** @type {[string, string, string?][]} */
  const facts = [
    ['last message', ageOf(robot.lastMessageAt, generatedAt)],
    ['frames in / out a second', fixed(robot.fps?.in, 1) + ' / ' + fixed(robot.fps?.out, 1)],
    ['latency p50 / p99', fixed(robot.latencyMs?.p50, 1) + ' / ' + fixed(robot.latencyMs?.p99, 1) + ' ms'],
    ['drops, last minute', pairs(robot.drops, ' ') || 'none'],
    ['detectors', robot.nodes.join(', ')],
    ['bundle', bundleText(robot.bundle)],
    ['ledger', ledgerText(robot.ledger), robot.ledger.holes > 0 ? 'warn' : 'good'],
    ['windows not here, in the time shown', missingText(missing) || 'none'],
    ['tags', pairs(robot.tags, '=') || 'none'],
    ['labels of operators', pairs(robot.settings.labels, '=') || 'none'],
    ['note', robot.settings.note || 'none'],
  ];
  $('facts').replaceChildren(...facts.map(([name, value, kind]) => factOf(name, value, kind)));
  const time = timeOf(answer);
  // a machine without a sensor has no chart of it
  const charts = chartsOf(answer).filter(({ lines, note }) => lines.length > 0 || note !== undefined);
  for (const chart of charts) drawChart(chart, time);
}
/** @param {string} name @param {string} value @param {string} [kind] */
function factOf(name, value, kind) {
  const pair = document.createElement('div');
  const term = document.createElement('dt');
  const text = document.createElement('dd');
  term.textContent = name;
  text.textContent = value;
  if (kind !== undefined) text.className = kind;
  pair.append(term, text);
  return pair;
}
/** @param {readonly (readonly [number, number])[]} ranges */
const rangesText = (ranges) =>
  ranges.map(([first, last]) => (first === last ? String(first) : first + '-' + last)).join(', ') || '-';
/** @param {Ledger} ledger */
function showLedger(ledger) {
  const rows = ledger.entries.map(({ stream, bootId, stored, quarantined, declared, holes }) =>
    row([
      cell(stream),
      cell(bootId),
      cell(rangesText(stored)),
      cell(rangesText(quarantined), quarantined.length > 0 ? 'warn' : undefined),
      cell(rangesText(declared)),
      cell(rangesText(holes), holes.length > 0 ? 'warn' : 'good'),
    ]),
  );
  $('ledger').replaceChildren(...rows);
}
