// The page's script. It polls `/api/status` and `/healthz` for the stats, and `/api/pictures` for the images.
const POLL_MS = 500;
// Images of all cameras are fetched in one request, and no connection stays open: a browser opens at most six to one
// host, for all of its tabs together.
const IMAGE_MS = 100;
const HISTORY = 120;

/** @typedef {import('../../../contract/status.ts').Status} Status */
/** @typedef {import('../../../contract/status.ts').Health} Health */
/** @typedef {Status['cameras'][string]} Camera */
/** @typedef {string | number | { share: number }} Cell text, or a bar of a share from 0 to 1 */

/** @param {string} id @returns {HTMLElement} */
function $(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error('index.html has no #' + id);
  return element;
}
/** @param {unknown} value @param {number} digits */
const fixed = (value, digits) => (typeof value === 'number' ? value.toFixed(digits) : '-');
/** @param {Cell} content @param {'td' | 'th'} tag */
function cellOf(content, tag) {
  const cell = document.createElement(tag);
  if (typeof content === 'object') {
    const bar = document.createElement('i');
    bar.style.width = Math.min(100, 100 * content.share) + '%';
    cell.className = 'bar';
    cell.append(bar);
  } else cell.textContent = String(content);
  return cell;
}
/** @param {HTMLElement} table @param {readonly Cell[][]} list @param {Cell[]} [head] */
function rows(table, list, head) {
  /** @param {Cell[]} cells @param {'td' | 'th'} tag */
  const rowOf = (cells, tag) => {
    const row = document.createElement('tr');
    row.append(...cells.map((content) => cellOf(content, tag)));
    return row;
  };
  table.replaceChildren(...(head ? [rowOf(head, 'th')] : []), ...list.map((cells) => rowOf(cells, 'td')));
}
/**
 * camera -> its image element, the id of the image in it, and that image's address
 * @type {Map<string, { image: HTMLImageElement, id: string, url: string }>}
 */
const shown = new Map();
/** @param {string} name of a camera */
function figureOf(name) {
  const figure = document.createElement('figure');
  const image = document.createElement('img');
  image.alt = 'Annotated live image of camera ' + name;
  shown.set(name, { image, id: '', url: '' });
  const caption = document.createElement('figcaption');
  caption.id = 'caption-' + name;
  figure.append(image, caption);
  return figure;
}
/** @param {string[]} names */
function showCameras(names) {
  const box = $('cameras');
  if (box.dataset['names'] === names.join()) return;
  box.dataset['names'] = names.join();
  for (const { url } of shown.values()) URL.revokeObjectURL(url);
  shown.clear();
  box.replaceChildren(...names.map(figureOf));
}
/** @param {string} name of a camera @param {string} id @param {Uint8Array<ArrayBuffer>} jpeg */
function showImage(name, id, jpeg) {
  const place = shown.get(name);
  if (!place) return;
  URL.revokeObjectURL(place.url);
  place.id = id;
  place.url = URL.createObjectURL(new Blob([jpeg], { type: 'image/jpeg' }));
  place.image.src = place.url;
}
/** @param {ArrayBuffer} body a line of JSON, then the images that it lists */
function showImages(body) {
  const bytes = new Uint8Array(body);
  const end = bytes.indexOf(10);
  let at = end + 1;
  /** @type {unknown} */
  const head = JSON.parse(new TextDecoder().decode(bytes.subarray(0, end)));
  const listed = /** @type {{ camera: string, id: string, bytes: number }[]} */ (head);
  for (const image of listed) {
    showImage(image.camera, image.id, bytes.subarray(at, at + image.bytes));
    at += image.bytes;
  }
}
async function pollImages() {
  try {
    const have = [...shown.values()].map(({ id }) => id).join();
    const answer = shown.size === 0 ? null : await fetch('/api/pictures?have=' + encodeURIComponent(have));
    if (answer && answer.ok) showImages(await answer.arrayBuffer());
  } catch {
    // the stats show that the device does not answer
  }
  setTimeout(() => void pollImages(), IMAGE_MS);
}
/** @param {Status['frames']} frames */
const dropsOf = (frames) => Object.entries(frames.drops).filter(([, n]) => n > 0);
/** @param {Camera} camera the device decides whether it is silent */
function silenceOf({ isSilent, lastFrameAgeMs }) {
  if (!isSilent) return '';
  return lastFrameAgeMs === null
    ? ', no frame yet'
    : ', SILENT for ' + fixed(lastFrameAgeMs / 1000, 0) + ' s';
}
/** @param {string} name @param {Camera} camera */
function captionOf(name, camera) {
  const image = camera.width > 0 ? ', ' + camera.width + 'x' + camera.height + ' ' + camera.encoding : '';
  const drops = dropsOf(camera.frames)
    .map(([reason, n]) => reason + ' ' + n)
    .join(', ');
  const resized = camera.preprocess ? ', resized by ' + camera.preprocess.mode : '';
  return (
    name +
    image +
    ': ' +
    fixed(camera.fps.in, 1) +
    ' in, ' +
    fixed(camera.fps.out, 1) +
    ' out / s' +
    (drops === '' ? ', no drops' : ', dropped: ' + drops) +
    resized +
    silenceOf(camera)
  );
}
/** @typedef {{ p50: number, p99: number }} Quantiles of latency, milliseconds */
/** @type {Quantiles[]} */
const recent = [];
/** @param {Quantiles} total */
function drawHistory(total) {
  recent.push({ p50: total.p50, p99: total.p99 });
  if (recent.length > HISTORY) recent.shift();
  const top = Math.max(10, ...recent.map(({ p99 }) => p99));
  /** @param {keyof Quantiles} quantile @param {string} color */
  const line = (quantile, color) => {
    const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
    /** @param {Quantiles} sample @param {number} i */
    const point = (sample, i) =>
      HISTORY - recent.length + i + ' ' + (72 - (70 * sample[quantile]) / top).toFixed(1);
    path.setAttribute('d', 'M' + recent.map(point).join('L'));
    path.setAttribute('stroke', 'var(--' + color + ')');
    return path;
  };
  $('history').replaceChildren(line('p99', 'warn'), line('p50', 'accent'));
  $('scale').textContent = 'top: ' + fixed(top, 0) + ' ms';
}
/** @param {Status} status */
function showModel(status) {
  const engine = status.engine;
  if (!engine) {
    rows($('model'), [['bundle', 'none loaded']]);
    return;
  }
  const nodes = Object.entries(engine.nodesByProvider)
    .map(([name, n]) => n + ' on ' + name)
    .join(', ');
  rows($('model'), [
    ['bundle', engine.bundle.name + '@' + engine.bundle.version],
    ['digest', engine.bundle.digest.slice(0, 12)],
    [
      'variant',
      engine.variant === engine.precision ? engine.variant : engine.variant + ', ' + engine.precision,
    ],
    ['provider', engine.provider + (engine.exactInt8 ? ', exact 8-bit kernels' : '')],
    ['chosen', engine.choice.why],
    [
      'references',
      engine.referenceCheck.verdict +
        (engine.referenceCheck.scores === null
          ? ': ' + engine.referenceCheck.reason
          : ', ' +
            engine.referenceCheck.scores.toFixed(4) +
            ' off, ' +
            engine.referenceCheck.tolerance +
            ' allowed'),
    ],
    ['graph nodes', nodes],
    [
      'inference',
      engine.workers +
        ' ' +
        engine.kind +
        (engine.workers > 1 ? (engine.kind === 'child' ? 'ren' : 's') : '') +
        ', ' +
        engine.threads +
        ' thread' +
        (engine.threads > 1 ? 's' : '') +
        ', queue depth ' +
        engine.queueDepth,
    ],
    ...(engine.sizing === null
      ? []
      : [
          ['setting for', engine.sizing.role + (engine.sizing.isMeasured ? '' : ', not measured')],
          ['why', engine.sizing.why],
          ...(engine.sizing.lastMove === null
            ? []
            : [['moved', engine.sizing.moves + ' times; last: ' + engine.sizing.lastMove]]),
        ]),
    ...engine.refusals.map(({ provider, reason }) => ['not ' + provider, reason]),
  ]);
}
/** @param {Health} health */
function showHealth(health) {
  $('health').textContent = health.ok ? 'healthy' : 'not healthy';
  $('health').className = health.ok ? 'good' : 'bad';
  $('reasons').textContent = health.reasons.join('; ');
}
/** @param {Status} status */
function show(status) {
  $('bundle').textContent =
    status.bundle === null
      ? 'no model loaded'
      : status.bundle.name +
        '@' +
        status.bundle.version +
        ' (' +
        status.variant +
        ', ' +
        status.provider +
        ')';
  const total = status.recentMs.total;
  $('fps-in').textContent = fixed(status.fps.in, 1);
  $('fps-out').textContent = fixed(status.fps.out, 1);
  $('latency').textContent = fixed(total.p50, 1);
  drawHistory(total);
  showCameras(Object.keys(status.cameras));
  for (const [name, camera] of Object.entries(status.cameras)) {
    $('caption-' + name).textContent = captionOf(name, camera);
  }
  /** @type {Cell[][]} */
  const stages = Object.entries(status.recentMs.stages).map(([name, s]) => [
    name,
    { share: total.p50 > 0 ? s.p50 / total.p50 : 0 },
    fixed(s.p50, 2),
    fixed(s.p99, 2),
  ]);
  const last = ['total', '', fixed(total.p50, 2), fixed(total.p99, 2)];
  rows($('stages'), [...stages, last], ['', '', 'p50', 'p99']);
  rows($('frames'), [
    ['received', status.frames.received],
    ['published', status.frames.published],
    ...dropsOf(status.frames).map(([reason, n]) => ['dropped: ' + reason, n]),
    ['in flight', status.frames.inFlight],
  ]);
  showModel(status);
  rows($('runtime'), [
    ['state', status.state],
    ['memory', fixed(status.process.rssBytes / 1048576, 0) + ' MiB'],
    ['up', fixed(status.uptimeSeconds, 0) + ' s'],
    ...telemetryOf(status.telemetry),
    ...(status.engineLost > 0
      ? [['engine lost', status.engineLost + ' times, recovered ' + status.engineRestored]]
      : []),
  ]);
}
/**
 * The link, what waits for the fleet, and what is wrong with it.
 * @param {Status['telemetry']} telemetry @returns {Cell[][]}
 */
function telemetryOf(telemetry) {
  if (telemetry === null) return [['telemetry', 'off']];
  const { connected, protocol, reason, outbox, fleet, streams } = telemetry;
  const link = connected ? 'MQTT ' + protocol : 'away: ' + reason;
  const counts = Object.values(streams ?? {});
  const waiting = counts.reduce((sum, one) => sum + one.waiting, 0);
  const bytes = counts.reduce((sum, one) => sum + one.waitingBytes, 0);
  const oldest = Math.max(...counts.map((one) => one.oldestSeconds ?? 0), 0);
  const size = fixed(bytes / 1024, 0) + ' KiB, oldest ' + fixed(oldest, 0) + ' s';
  /** @type {Cell[][]} */
  const troubles = [connected && reason !== '' ? reason : '', outbox?.reason ?? '', fleet?.reason ?? '']
    .filter((trouble) => trouble !== '')
    .map((trouble) => ['telemetry trouble', trouble]);
  return [
    ['telemetry', link],
    ['waits for the fleet', waiting === 0 ? 'nothing' : waiting + ' messages, ' + size],
    ...troubles,
  ];
}
/** @param {Response} answer @returns {Promise<unknown>} */
const bodyOf = (answer) => answer.json();
async function poll() {
  try {
    const [status, health] = await Promise.all([fetch('/api/status'), fetch('/healthz')]);
    showHealth(/** @type {Health} */ (await bodyOf(health)));
    if (status.ok) show(/** @type {Status} */ (await bodyOf(status)));
    else $('bundle').textContent = 'no model loaded';
  } catch {
    $('health').textContent = 'no answer from the device';
    $('health').className = 'bad';
  }
  setTimeout(() => void poll(), POLL_MS);
}
void poll();
void pollImages();
