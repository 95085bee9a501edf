// The page's script. It asks the API of its own server when robots changed, and from time to time; scripts before it
// show what that says.
const POLL_MS = 2000;
/** While the server tells what changed: for what changes by time alone. */
const IDLE_POLL_MS = 15_000;
/** What triage says changes with the rollups of five minutes. */
const TRIAGE_POLL_MS = 60_000;
/** From a change until lists have it. */
const SETTLE_MS = 700;
const PAGE = 100;

const search = /** @type {HTMLInputElement} */ ($('search'));
const order = /** @type {HTMLSelectElement} */ ($('order'));
const previous = /** @type {HTMLButtonElement} */ ($('previous'));
const next = /** @type {HTMLButtonElement} */ ($('next'));
let offset = 0;
/** counts what was asked for: an answer to an older question is dropped */
let asked = 0;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;
let range = RANGES[0] ?? { name: '', hours: 1, points: 360, pollMs: POLL_MS };
/** the robot and the time that the charts show */
let charted = '';

/** @param {string} path @param {RequestInit} [options] @returns {Promise<unknown>} */
async function ask(path, options) {
  const answer = await fetch(path, options);
  /** @type {unknown} */
  const body = await answer.json();
  if (answer.ok) return body;
  // a token with another role may be allowed to
  if (answer.status === 401 || answer.status === 403) askForToken();
  throw new Error(/** @type {{ error?: string }} */ (body).error ?? 'HTTP ' + answer.status);
}
/** The path of the robot in the address, as in the API; empty for the list. */
const chosen = () => (/^#(\/[^/]+\/[^/]+)$/.exec(location.hash) ?? [])[1] ?? '';
/** @param {string} path */
async function refreshOne(path) {
  const base = '/api/v1/robots' + path;
  const { hours, points } = range;
  const [history, ledger, clips] = await Promise.all([
    ask(base + '?hours=' + hours + '&points=' + points),
    ask(base + '/ledger'),
    clipsOf(path),
  ]);
  return () => {
    if (charted !== path + hours) clearCharts();
    charted = path + hours;
    showOne(/** @type {RobotHistory} */ (history));
    showLedger(/** @type {Ledger} */ (ledger));
    $('no-clips').hidden = clips.length > 0;
    fillClips($('clips'), path, clips, (all) => all);
  };
}
const isTriage = () => location.hash === '#triage';
async function refreshTriage() {
  const report = /** @type {TriageReport} */ (await ask('/api/v1/triage'));
  const found = await Promise.all(
    clipsAsked(report).map(async (path) => /** @type {const} */ ([path, await clipsOf(path)])),
  );
  return () => showTriage(report, new Map(found));
}
/** @param {string} path of a robot; without an answer, the others are shown without its clips */
async function clipsOf(path) {
  const answer = await ask('/api/v1/robots' + path + '/clips?limit=20').catch(() => ({ clips: [] }));
  return /** @type {{ clips: Clips }} */ (answer).clips;
}
async function refreshList() {
  const query = new URLSearchParams({
    search: search.value,
    order: order.value,
    limit: String(PAGE),
    offset: String(offset),
  });
  const list = /** @type {RobotList} */ (await ask('/api/v1/robots?' + query.toString()));
  return () => showList(list);
}
async function refresh() {
  clearTimeout(timer);
  const own = ++asked;
  const path = chosen();
  $('list').hidden = path !== '' || isTriage();
  $('triage').hidden = !isTriage();
  $('one').hidden = path === '';
  try {
    const show = await (isTriage() ? refreshTriage() : path === '' ? refreshList() : refreshOne(path));
    if (own !== asked) return;
    show();
    $('status').textContent = '';
  } catch (error) {
    if (own !== asked) return;
    $('status').textContent = error instanceof Error ? error.message : String(error);
  }
  shownAt = Date.now();
  timer = setTimeout(() => void refresh(), pauseMs(path));
}
/** @param {string} path */
function pauseMs(path) {
  if (isTriage()) return TRIAGE_POLL_MS;
  if (path !== '') return range.pollMs;
  return isTold() ? IDLE_POLL_MS : POLL_MS;
}
let shownAt = 0;
const isTold = watchLive(({ robots, isAll }) => {
  const path = chosen();
  const concerns =
    !isTriage() &&
    (isAll || path === '' || robots.some(({ site, robot }) => path === '/' + site + '/' + robot));
  if (!concerns) return;
  const waitMs = path === '' ? POLL_MS : range.pollMs;
  clearTimeout(timer);
  timer = setTimeout(() => void refresh(), Math.max(SETTLE_MS, shownAt + waitMs - Date.now()));
});
/** @param {number} to */
function turn(to) {
  offset = Math.max(0, to);
  void refresh();
}
function showRanges() {
  const buttons = RANGES.map((one) => {
    const button = document.createElement('button');
    button.type = 'button';
    button.textContent = one.name;
    button.setAttribute('aria-pressed', String(one === range));
    button.addEventListener('click', () => {
      range = one;
      showRanges();
      void refresh();
    });
    return button;
  });
  const focused = [...$('ranges').children].indexOf(document.activeElement ?? document.body);
  $('ranges').replaceChildren(...buttons);
  buttons[focused]?.focus();
}
search.addEventListener('input', () => {
  location.hash = '';
  turn(0);
});
order.addEventListener('change', () => turn(0));
previous.addEventListener('click', () => turn(offset - PAGE));
next.addEventListener('click', () => turn(offset + PAGE));
matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => void refresh());
addEventListener('hashchange', () => {
  void refresh();
  if (chosen() !== '') $('name').focus();
  if (isTriage()) $('triage-name').focus();
});
addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && (chosen() !== '' || isTriage())) location.hash = '';
  if (event.key === '/' && document.activeElement !== search) {
    event.preventDefault();
    search.focus();
  }
  if (event.key !== 'ArrowDown' && event.key !== 'ArrowUp') return;
  if (document.activeElement === order) return;
  const links = isTriage() ? triageLinks() : linksOf();
  const at = links.findIndex((link) => link === document.activeElement);
  if (at < 0 && document.activeElement !== search && document.activeElement !== $('triage-name')) return;
  event.preventDefault();
  links[event.key === 'ArrowDown' ? at + 1 : Math.max(0, at - 1)]?.focus();
});
showRanges();
void refresh();
