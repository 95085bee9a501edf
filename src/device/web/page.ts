/**
 * The page of one device, whole in one string: no build step, no file to find, nothing loaded from elsewhere, so it works on a robot
 * without internet. It polls `/api/status` and shows `/live/CAMERA`.
 */
export const PAGE_HTML = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Goshawk</title>
<link rel="icon" href="data:,">
<style>
  :root { color-scheme: dark; --ink: #e8edf2; --dim: #8b98a5; --line: #26313c; --card: #141b22; --good: #5ad19a; --bad: #ff7a6b; --warn: #f2c14e; }
  * { box-sizing: border-box; }
  body { margin: 0; background: #0b1015; color: var(--ink); font: 15px/1.45 system-ui, sans-serif; }
  header { display: flex; gap: 1rem; align-items: baseline; flex-wrap: wrap; padding: .9rem 1.2rem; border-bottom: 1px solid var(--line); }
  header h1 { font-size: 1.1rem; margin: 0; letter-spacing: .02em; }
  header span { color: var(--dim); }
  #health { font-weight: 600; }
  main { display: grid; grid-template-columns: minmax(0, 2fr) minmax(300px, 1fr); gap: 1rem; padding: 1rem 1.2rem; }
  @media (max-width: 900px) { main { grid-template-columns: 1fr; } }
  section { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: .8rem 1rem; }
  h2 { font-size: .78rem; text-transform: uppercase; letter-spacing: .08em; color: var(--dim); margin: 0 0 .5rem; }
  figure { margin: 0 0 1rem; }
  figure img { width: 100%; display: block; border-radius: 6px; background: #000; min-height: 120px; }
  figcaption { color: var(--dim); padding-top: .3rem; }
  table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
  td, th { padding: .22rem 0; text-align: right; font-weight: 400; border-bottom: 1px solid var(--line); }
  th { color: var(--dim); } td:first-child, th:first-child { text-align: left; }
  tr:last-child td { border-bottom: 0; }
  .big { display: flex; gap: 1.6rem; margin-bottom: .3rem; }
  .big div b { font-size: 1.7rem; font-weight: 600; display: block; line-height: 1.1; }
  .big div { color: var(--dim); }
  aside { display: grid; gap: 1rem; align-content: start; }
  .good { color: var(--good); } .bad { color: var(--bad); } .warn { color: var(--warn); }
  a { color: inherit; }
</style>
</head>
<body>
<header>
  <h1>Goshawk</h1>
  <span id="health" role="status">connecting</span>
  <span id="bundle"></span>
  <span id="reasons"></span>
</header>
<main>
  <section id="cameras" aria-label="Live pictures"></section>
  <aside>
    <section>
      <div class="big">
        <div><b id="fps-in">-</b>frames in / s</div>
        <div><b id="fps-out">-</b>frames out / s</div>
        <div><b id="latency">-</b>ms, p50</div>
      </div>
    </section>
    <section><h2>Time by stage (ms, last seconds)</h2><table id="stages"></table></section>
    <section><h2>Frames since start</h2><table id="frames"></table></section>
    <section><h2>Runtime</h2><table id="runtime"></table></section>
    <section><h2>For tools</h2><a href="/metrics">/metrics</a> &middot; <a href="/healthz">/healthz</a> &middot; <a href="/api/status">/api/status</a></section>
  </aside>
</main>
<script>
const $ = (id) => document.getElementById(id);
const fixed = (value, digits) => (typeof value === 'number' ? value.toFixed(digits) : '-');
function rows(table, list) {
  table.replaceChildren(...list.map((cells, index) => {
    const row = document.createElement('tr');
    for (const cell of cells) {
      const element = document.createElement(index === 0 && cells.head ? 'th' : 'td');
      element.textContent = cell;
      row.append(element);
    }
    return row;
  }));
}
function showCameras(names) {
  const box = $('cameras');
  if (box.dataset.names === names.join()) return;
  box.dataset.names = names.join();
  box.replaceChildren(...names.map((name) => {
    const figure = document.createElement('figure');
    const image = document.createElement('img');
    image.alt = 'Annotated live picture of camera ' + name;
    image.src = '/live/' + encodeURIComponent(name);
    image.onerror = () => setTimeout(() => { image.src = '/live/' + encodeURIComponent(name) + '?' + Date.now(); }, 2000);
    const caption = document.createElement('figcaption');
    caption.id = 'caption-' + name;
    figure.append(image, caption);
    return figure;
  }));
}
function show(status, health) {
  $('health').textContent = health.ok ? 'healthy' : 'not healthy';
  $('health').className = health.ok ? 'good' : 'bad';
  $('reasons').textContent = health.reasons.join('; ');
  $('bundle').textContent = status.bundle === null ? 'no model loaded'
    : status.bundle.name + '@' + status.bundle.version + ' (' + status.variant + ', ' + status.provider + ')';
  $('fps-in').textContent = fixed(status.fps.in, 1);
  $('fps-out').textContent = fixed(status.fps.out, 1);
  $('latency').textContent = fixed(status.recentMs.total.p50, 1);
  showCameras(Object.keys(status.cameras));
  for (const [name, camera] of Object.entries(status.cameras)) {
    const caption = $('caption-' + name);
    if (caption) caption.textContent = name + ': ' + fixed(camera.fps.in, 1) + ' in, ' + fixed(camera.fps.out, 1) + ' out / s'
      + (camera.lastFrameAgeMs > 2000 ? ', SILENT for ' + fixed(camera.lastFrameAgeMs / 1000, 0) + ' s' : '');
  }
  const stages = Object.entries(status.recentMs.stages).map(([name, s]) => [name, fixed(s.p50, 2), fixed(s.p99, 2)]);
  rows($('stages'), [Object.assign(['', 'p50', 'p99'], { head: true }), ...stages,
    ['total', fixed(status.recentMs.total.p50, 2), fixed(status.recentMs.total.p99, 2)]]);
  const drops = Object.entries(status.frames.drops).filter(([, n]) => n > 0).map(([reason, n]) => ['dropped: ' + reason, n]);
  rows($('frames'), [['received', status.frames.received], ['published', status.frames.published], ...drops, ['in flight', status.frames.inFlight]]);
  const telemetry = status.telemetry === null ? 'off' : status.telemetry.connected ? 'MQTT ' + status.telemetry.protocol : 'away: ' + status.telemetry.reason;
  rows($('runtime'), [['state', status.state], ['memory', fixed(status.process.rssBytes / 1048576, 0) + ' MiB'],
    ['up', fixed(status.uptimeSeconds, 0) + ' s'], ['telemetry', telemetry]]);
}
async function poll() {
  try {
    const [status, health] = await Promise.all([fetch('/api/status').then((r) => r.json()), fetch('/healthz').then((r) => r.json())]);
    show(status, health);
  } catch {
    $('health').textContent = 'no answer from the device';
    $('health').className = 'bad';
  }
  setTimeout(poll, 500);
}
poll();
</script>
</body>
</html>
`;
