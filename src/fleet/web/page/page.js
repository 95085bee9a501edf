// The page's script. It polls the API of its own server; whatever robots say is only ever set as text.
const POLL_MS = 2000;
const PAGE = 100;
const WIDTH = 360;
const HEIGHT = 80;
const HISTORY_MS = 3_600_000;

/** @typedef {import('../../../contract/fleet/api.ts').RobotList} RobotList */
/** @typedef {import('../../../contract/fleet/api.ts').RobotSummary} Robot */
/** @typedef {import('../../../contract/fleet/api.ts').RobotHistory} RobotHistory */
/** @typedef {import('../../../contract/fleet/api.ts').HistoryPoint} Point */
/** @typedef {import('../../../contract/fleet-ledger.ts').FleetLedger} Ledger */

/** @param {string} id @returns {HTMLElement} */
function $(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error('index.html has no #' + id);
  return element;
}
const search = /** @type {HTMLInputElement} */ ($('search'));
const previous = /** @type {HTMLButtonElement} */ ($('previous'));
const next = /** @type {HTMLButtonElement} */ ($('next'));
let offset = 0;
/** counts what was asked for: an answer to an older question is dropped */
let asked = 0;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;

/** @param {number | null | undefined} value @param {number} digits */
const fixed = (value, digits) => (typeof value === 'number' ? value.toFixed(digits) : '-');
/** @param {Readonly<Record<string, unknown>>} record @param {string} between */
const pairs = (record, between) =>
  Object.entries(record)
    .map(([key, value]) => key + between + String(value))
    .join(', ');
/** @param {string | Node} content @param {string} [kind] */
function cell(content, kind) {
  const td = document.createElement('td');
  td.append(content);
  if (kind !== undefined) td.className = kind;
  return td;
}
/** @param {readonly HTMLElement[]} cells */
function row(cells) {
  const tr = document.createElement('tr');
  tr.append(...cells);
  return tr;
}
/** @param {string | null} at @param {string} now */
function ageOf(at, now) {
  if (at === null) return 'never';
  const seconds = Math.max(0, (Date.parse(now) - Date.parse(at)) / 1000);
  if (seconds < 120) return fixed(seconds, 0) + ' s ago';
  return seconds < 7200 ? fixed(seconds / 60, 0) + ' min ago' : fixed(seconds / 3600, 0) + ' h ago';
}
const KINDS = { online: 'good', hibernating: 'dim', silent: 'warn', offline: 'bad' };
/** @param {Robot['ledger']} ledger */
function ledgerOf({ holes, declared, stored }) {
  const lost = declared > 0 ? ', ' + declared + ' declared lost' : '';
  return stored + ' stored' + lost + (holes > 0 ? ', ' + holes + ' missing' : '');
}
/** @param {Robot} robot */
const bundleOf = ({ bundle }) => (bundle ? bundle.name + '@' + bundle.version + ' ' + bundle.variant : '-');
/** @param {Robot} robot @param {string} now */
function robotRow(robot, now) {
  const link = document.createElement('a');
  link.href = '#/' + encodeURIComponent(robot.site) + '/' + encodeURIComponent(robot.robot);
  link.textContent = robot.site + '/' + robot.robot;
  return row([
    cell(link),
    cell(robot.liveness, KINDS[robot.liveness]),
    cell(ageOf(robot.lastMessageAt, now)),
    cell(fixed(robot.fps?.in, 1)),
    cell(fixed(robot.fps?.out, 1)),
    cell(fixed(robot.latencyMs?.p50, 1)),
    cell(fixed(robot.latencyMs?.p99, 1)),
    cell(pairs(robot.drops, ' ') || 'none'),
    cell(bundleOf(robot)),
    cell(ledgerOf(robot.ledger), robot.ledger.holes > 0 ? 'warn' : 'good'),
    cell(pairs(robot.tags, '=')),
  ]);
}
/** @param {RobotList} list */
function showList(list) {
  const focused = document.activeElement instanceof HTMLAnchorElement ? document.activeElement.hash : '';
  $('robots').replaceChildren(...list.robots.map((robot) => robotRow(robot, list.generatedAt)));
  // the rows are new: who was on one with the keyboard stays there
  if (focused.length > 1)
    linksOf()
      .find(({ hash }) => hash === focused)
      ?.focus();
  const first = list.robots.length === 0 ? 0 : list.offset + 1;
  $('range').textContent = first + ' to ' + (list.offset + list.robots.length) + ' of ' + list.total;
  previous.disabled = list.offset === 0;
  next.disabled = list.offset + list.robots.length >= list.total;
}
const linksOf = () => [
  .../** @type {NodeListOf<HTMLAnchorElement>} */ (document.querySelectorAll('#robots a')),
];
/** @typedef {{ at: number, values: readonly number[] }} Dot one value for each line */
/** @param {string} id @param {readonly Dot[]} points @param {readonly string[]} colors of the lines */
function draw(id, points, colors) {
  const end = Date.now();
  const top = Math.max(1, ...points.flatMap(({ values }) => values));
  const paths = colors.map((color, line) => {
    const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
    const dots = points.map(({ at, values }) => {
      const x = (WIDTH * (at - end + HISTORY_MS)) / HISTORY_MS;
      return x.toFixed(1) + ' ' + (HEIGHT - 2 - ((HEIGHT - 4) * (values[line] ?? 0)) / top).toFixed(1);
    });
    if (dots.length > 0) path.setAttribute('d', 'M' + dots.join('L'));
    path.setAttribute('stroke', 'var(--' + color + ')');
    return path;
  });
  $(id).replaceChildren(...paths);
  return top;
}
/** @param {readonly Point[]} history */
function showHistory(history) {
  const fps = history.map((point) => ({
    at: Date.parse(point.start),
    values: [point.published / point.seconds],
  }));
  $('fps-scale').textContent =
    fps.length === 0 ? 'no window' : 'top: ' + fixed(draw('fps', fps, ['accent']), 1);
  const latency = history.flatMap(({ start, latencyMs }) =>
    latencyMs === null ? [] : [{ at: Date.parse(start), values: [latencyMs.p50, latencyMs.p99] }],
  );
  $('latency-scale').textContent =
    latency.length === 0
      ? 'no window'
      : 'top: ' + fixed(draw('latency', latency, ['accent', 'warn']), 1) + ' ms';
}
/** @param {RobotHistory} answer */
function showOne({ robot, history, generatedAt }) {
  $('name').textContent = robot.site + '/' + robot.robot;
  /** @type {[string, string, string?][]} */
  const facts = [
    ['state', robot.liveness, KINDS[robot.liveness]],
    ['last message', ageOf(robot.lastMessageAt, generatedAt)],
    ['detectors', robot.nodes.join(', ')],
    ['bundle', bundleOf(robot)],
    ['drops, last minute', pairs(robot.drops, ' ') || 'none'],
    ['ledger', ledgerOf(robot.ledger), robot.ledger.holes > 0 ? 'warn' : 'good'],
    ['tags', pairs(robot.tags, '=') || 'none'],
  ];
  $('facts').replaceChildren(...facts.map(([name, value, kind]) => row([cell(name), cell(value, kind)])));
  showHistory(history);
}
/** @param {readonly (readonly [number, number])[]} ranges */
const rangesText = (ranges) =>
  ranges.map(([first, last]) => (first === last ? String(first) : first + '-' + last)).join(', ') || '-';
/** @param {Ledger} ledger */
function showLedger(ledger) {
  const rows = ledger.entries.map(({ stream, bootId, stored, declared, holes }) =>
    row([
      cell(stream),
      cell(bootId),
      cell(rangesText(stored)),
      cell(rangesText(declared)),
      cell(rangesText(holes), holes.length > 0 ? 'warn' : 'good'),
    ]),
  );
  $('ledger').replaceChildren(...rows);
}
/** @param {string} path @returns {Promise<unknown>} */
async function ask(path) {
  const answer = await fetch(path);
  /** @type {unknown} */
  const body = await answer.json();
  if (answer.ok) return body;
  throw new Error(/** @type {{ error?: string }} */ (body).error ?? 'HTTP ' + answer.status);
}
/** The path of the robot in the address, as in the API; empty for the list. */
const chosen = () => (/^#(\/[^/]+\/[^/]+)$/.exec(location.hash) ?? [])[1] ?? '';
/** @param {string} path */
async function refreshOne(path) {
  const base = '/api/v1/robots' + path;
  const [history, ledger] = await Promise.all([ask(base + '?hours=1&points=120'), ask(base + '/ledger')]);
  return () => {
    showOne(/** @type {RobotHistory} */ (history));
    showLedger(/** @type {Ledger} */ (ledger));
  };
}
async function refreshList() {
  const query = new URLSearchParams({ search: search.value, limit: String(PAGE), offset: String(offset) });
  const list = /** @type {RobotList} */ (await ask('/api/v1/robots?' + query.toString()));
  return () => showList(list);
}
async function refresh() {
  clearTimeout(timer);
  const own = ++asked;
  const path = chosen();
  $('list').hidden = path !== '';
  $('one').hidden = path === '';
  try {
    const show = await (path === '' ? refreshList() : refreshOne(path));
    if (own !== asked) return;
    show();
    $('status').textContent = '';
  } catch (error) {
    if (own !== asked) return;
    $('status').textContent = error instanceof Error ? error.message : String(error);
  }
  timer = setTimeout(() => void refresh(), POLL_MS);
}
/** @param {number} to */
function turn(to) {
  offset = Math.max(0, to);
  void refresh();
}
search.addEventListener('input', () => {
  location.hash = '';
  turn(0);
});
previous.addEventListener('click', () => turn(offset - PAGE));
next.addEventListener('click', () => turn(offset + PAGE));
addEventListener('hashchange', () => {
  void refresh();
  if (chosen() !== '') $('name').focus();
});
addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && chosen() !== '') location.hash = '';
  if (event.key === '/' && document.activeElement !== search) {
    event.preventDefault();
    search.focus();
  }
  if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
  const links = linksOf();
  const at = links.findIndex((link) => link === document.activeElement);
  if (at < 0 && document.activeElement !== search) return;
  event.preventDefault();
  links[event.key === 'ArrowDown' ? at + 1 : Math.max(0, at - 1)]?.focus();
});
void refresh();
