// Clips that robots offered: how they stand, having one sent to the fleet, and saving it from there.
/* exported clipList, fillClips, focusClip, focusedClip */

/** @typedef {import('../../../contract/fleet/clips.ts').RobotClips['clips']} Clips */
/** @typedef {Clips[number]} OfferedClip */
/** @typedef {(clips: Clips) => Clips} Choice which of a robot's clips are shown */

/** How often clips that are on their way are asked for again. */
const CLIP_POLL_MS = 2000;
/** @type {Record<OfferedClip['transfer']['state'], string>} class of each state */
const CLIP_STATES = {
  offered: 'note',
  queued: 'note',
  fetching: 'note',
  fetched: 'good',
  put: 'good',
  failed: 'bad',
};
/** @type {Map<HTMLElement, { path: string, choice: Choice, isComing: boolean }>} lists, by where they are */
const clipLists = new Map();
/** @type {Map<string, string>} why a clip was not asked for or not saved, by its path */
const clipProblems = new Map();

/** @param {string} path of the robot @param {string} clip */
const clipPath = (path, clip) => '/api/v1/robots' + path + '/clips/' + encodeURIComponent(clip);
/** @param {OfferedClip} one */
const isComing = ({ transfer: { state } }) => state === 'queued' || state === 'fetching';
/** @param {OfferedClip} one */
function stateText({ clip, transfer: { state, bytes } }) {
  return state === 'fetching' ? state + ' ' + Math.floor((100 * bytes) / clip.bytes) + ' %' : state;
}
/** @param {string} path of the robot @param {OfferedClip} one */
const fileOf = (path, { node, clip }) => path.slice(1) + '/' + node + '/' + clip.clip + '.mcap';
/** @param {string} path of the robot @param {OfferedClip} one */
function clipItem(path, one) {
  const { clip, transfer } = one;
  const item = document.createElement('li');
  item.tabIndex = -1;
  item.dataset['clip'] = clip.clip;
  item.append('clip ' + clip.clip + ' ', badge(stateText(one), CLIP_STATES[transfer.state]));
  item.append(dimmed(' ' + clip.text));
  if (transfer.state === 'offered' || transfer.state === 'failed') item.append(' ', fetchButton(path, one));
  if (transfer.state === 'fetched') item.append(' ', downloadLink(path, one));
  const problem = clipProblems.get(clipPath(path, clip.clip));
  if (problem !== undefined) item.append(alertOf(problem));
  else if (transfer.reason !== null) item.append(dimmed(' ' + transfer.reason));
  if (transfer.state === 'fetched')
    item.append(dimmed(' opens in Foxglove (Open local file); in the folder of clips: ' + fileOf(path, one)));
  return item;
}
/** @param {string} text */
function dimmed(text) {
  const span = document.createElement('span');
  span.className = 'dim';
  span.textContent = text;
  return span;
}
/** @param {string} text */
function alertOf(text) {
  const made = document.createElement('p');
  made.className = 'bad';
  made.setAttribute('role', 'alert');
  made.textContent = text;
  return made;
}
/** @param {string} path @param {OfferedClip} one */
function fetchButton(path, { clip: { clip, bytes }, transfer }) {
  const button = document.createElement('button');
  button.type = 'button';
  const verb = transfer.state === 'failed' ? 'Fetch again' : 'Fetch';
  button.textContent = verb + ' (' + fixed(bytes / 1e6, 1) + ' MB)';
  button.setAttribute('aria-label', verb + ' clip ' + clip);
  button.addEventListener('click', () => {
    button.disabled = true;
    void fetchClip(path, clip);
  });
  return button;
}
/** @param {string} path @param {OfferedClip} one */
function downloadLink(path, { clip: { clip, bytes } }) {
  const link = document.createElement('a');
  link.href = clipPath(path, clip) + '/file';
  link.download = clip + '.mcap';
  link.textContent = 'Download (' + fixed(bytes / 1e6, 1) + ' MB)';
  link.setAttribute('aria-label', 'Download clip ' + clip);
  link.addEventListener('click', (event) => {
    // with a key that opens links elsewhere, the browser does as it does with any link
    if (event.ctrlKey || event.metaKey || event.shiftKey || event.altKey) return;
    event.preventDefault();
    void saveClip(path, clip);
  });
  return link;
}
/** @param {string} path @param {string} clip */
async function fetchClip(path, clip) {
  await tryClip(path, clip, () =>
    ask(clipPath(path, clip) + '/fetch', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: '{}',
    }),
  );
}
/**
 * Has the browser save a clip, which takes it from the server piece by piece, with the cookie. It would only say that a
 * download failed, so what is wrong is asked for before.
 * @param {string} path @param {string} clip
 */
async function saveClip(path, clip) {
  const file = clipPath(path, clip) + '/file';
  await tryClip(path, clip, async () => {
    const { ok } = await fetch(file, { method: 'HEAD' });
    // the head of a refusal has no words
    if (!ok) return ask(file, { headers: { range: 'bytes=0-0' } });
    const link = document.createElement('a');
    link.href = file;
    link.download = clip + '.mcap';
    link.click();
  });
}
/** @param {string} path @param {string} clip @param {() => Promise<unknown>} work */
async function tryClip(path, clip, work) {
  const key = clipPath(path, clip);
  try {
    await work();
    clipProblems.delete(key);
  } catch (error) {
    clipProblems.set(key, error instanceof Error ? error.message : String(error));
  }
  await refreshClips(path);
}
/** @param {string} path */
async function refreshClips(path) {
  const clips = await clipsOf(path);
  for (const [list, view] of clipLists) if (view.path === path) fillClips(list, path, clips, view.choice);
}
/**
 * Shows clips of a robot, and goes on as long as one is on its way. Where the focus was, it stays.
 * @param {HTMLElement} list @param {string} path of the robot @param {Clips} clips @param {Choice} choice
 */
function fillClips(list, path, clips, choice) {
  const shown = choice(clips);
  clipLists.set(list, { path, choice, isComing: shown.some(isComing) });
  const focused = list.contains(document.activeElement) ? focusedClip() : '';
  list.replaceChildren(...shown.map((one) => clipItem(path, one)));
  focusClip(list, focused);
}
/** @param {string} path of the robot @param {Clips} clips @param {Choice} choice */
function clipList(path, clips, choice) {
  const list = document.createElement('ul');
  list.setAttribute('aria-label', 'Clips');
  fillClips(list, path, clips, choice);
  return list;
}
/** The clip that has the focus; empty if none has. */
function focusedClip() {
  const item = document.activeElement?.closest('li');
  return item?.dataset['clip'] ?? '';
}
/** @param {HTMLElement} within @param {string} clip its button or link, or the clip itself while it has none */
function focusClip(within, clip) {
  if (clip === '') return;
  const item = [...within.querySelectorAll('li')].find((one) => one.dataset['clip'] === clip);
  /** @type {HTMLElement | null | undefined} */
  const control = item?.querySelector('button, a');
  (control ?? item)?.focus();
}
async function followClips() {
  for (const list of clipLists.keys()) if (!list.isConnected) clipLists.delete(list);
  const coming = [...clipLists.values()].filter((view) => view.isComing);
  for (const path of new Set(coming.map((view) => view.path))) await refreshClips(path);
  setTimeout(() => void followClips(), CLIP_POLL_MS);
}
void followClips();
