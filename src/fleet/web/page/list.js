// The list of robots.
/* exported showList, linksOf */

/** @typedef {import('../../../contract/fleet/api.ts').RobotList} RobotList */

/** @param {Robot} robot @param {string} now */
function troubleCell({ troubles, liveness, settings }, now) {
  const isMuted = settings.mutedUntil !== null && settings.mutedUntil > now;
  const td = cell('', undefined, 'trouble');
  const [worst] = troubles;
  if (worst !== undefined && isMuted) td.append(badge('muted', 'dim'));
  if (worst === undefined) td.append(badge(liveness, KINDS[liveness]));
  else td.append(badge(worst.kind.replaceAll('_', ' '), KINDS[worst.severity]), worst.text);
  const more = troubles.slice(1);
  if (more.length === 0) return td;
  const note = document.createElement('span');
  note.className = 'dim';
  note.textContent = ' +' + more.length;
  note.title = more.map(({ text }) => text).join('; ');
  td.append(note);
  return td;
}
/** @param {Robot} robot @param {string} now */
function robotRow(robot, now) {
  const link = document.createElement('a');
  link.href = '#/' + encodeURIComponent(robot.site) + '/' + encodeURIComponent(robot.robot);
  link.textContent = robot.site + '/' + robot.robot;
  return row([
    cell(link),
    troubleCell(robot, now),
    cell(ageOf(robot.lastMessageAt, now), undefined, 'last'),
    cell(fixed(robot.fps?.in, 1), 'number', 'fps in'),
    cell(fixed(robot.fps?.out, 1), 'number', 'fps out'),
    cell(fixed(robot.latencyMs?.p50, 1), 'number', 'p50 ms'),
    cell(fixed(robot.latencyMs?.p99, 1), 'number', 'p99 ms'),
    cell(pairs(robot.drops, ' ') || 'none', undefined, 'drops'),
    cell(fixed(robot.temperatureCelsius, 0), 'number', '°C'),
    cell(robot.bundle ? robot.bundle.name + '@' + robot.bundle.version : '-', undefined, 'bundle'),
    cell(ledgerText(robot.ledger), robot.ledger.holes > 0 ? 'warn' : 'good', 'ledger'),
    cell(pairs({ ...robot.tags, ...robot.settings.labels }, '='), undefined, 'tags'),
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
  /** @type {HTMLButtonElement} */ ($('previous')).disabled = list.offset === 0;
  /** @type {HTMLButtonElement} */ ($('next')).disabled = list.offset + list.robots.length >= list.total;
  const { robots, online, inTrouble } = list.fleet;
  $('counts').textContent = robots + ' robots, ' + online + ' online, ' + inTrouble + ' in trouble';
}
const linksOf = () => [
  .../** @type {NodeListOf<HTMLAnchorElement>} */ (document.querySelectorAll('#robots a')),
];
