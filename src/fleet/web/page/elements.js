// What all scripts of the page use. Whatever robots say is only ever set as text.
/* exported $, fixed, pairs, ageOf, cell, row, badge, ledgerText, bundleText, KINDS */

/** @typedef {import('../../../contract/fleet/api.ts').RobotSummary} Robot */

/** @param {string} id @returns {HTMLElement} */
function $(id) {
  const element = document.getElementById(id);
  if (!element) throw new Error('index.html has no #' + id);
  return element;
}
/** @param {number | null | undefined} value @param {number} digits */
const fixed = (value, digits) => (typeof value === 'number' ? value.toFixed(digits) : '-');
/** @param {Readonly<Record<string, unknown>>} record @param {string} between */
const pairs = (record, between) =>
  Object.entries(record)
    .map(([key, value]) => key + between + String(value))
    .join(', ');
/** @param {string | null} at @param {string} now */
function ageOf(at, now) {
  if (at === null) return 'never';
  const seconds = Math.max(0, (Date.parse(now) - Date.parse(at)) / 1000);
  if (seconds < 120) return fixed(seconds, 0) + ' s ago';
  return seconds < 7200 ? fixed(seconds / 60, 0) + ' min ago' : fixed(seconds / 3600, 0) + ' h ago';
}
/** @param {string | Node} content @param {string} [kind] @param {string} [label] of the column, on a narrow screen */
function cell(content, kind, label) {
  const td = document.createElement('td');
  td.append(content);
  if (kind !== undefined) td.className = kind;
  if (label !== undefined) td.dataset['label'] = label;
  return td;
}
/** @param {readonly HTMLElement[]} cells */
function row(cells) {
  const tr = document.createElement('tr');
  tr.append(...cells);
  return tr;
}
const KINDS = {
  online: 'good',
  hibernating: 'dim',
  silent: 'bad',
  offline: 'dim',
  bad: 'bad',
  warn: 'warn',
  note: 'dim',
};
/** @param {string} text @param {string} kind */
function badge(text, kind) {
  const span = document.createElement('span');
  span.className = 'badge ' + kind;
  span.textContent = text;
  return span;
}
/** @param {Robot['ledger']} ledger */
function ledgerText({ holes, declared, quarantined, stored }) {
  const refused = quarantined > 0 ? ', ' + quarantined + ' in quarantine' : '';
  const lost = declared > 0 ? ', ' + declared + ' declared lost' : '';
  return stored + ' stored' + refused + lost + (holes > 0 ? ', ' + holes + ' missing' : '');
}
/** @param {Robot['bundle']} bundle */
const bundleText = (bundle) => (bundle ? bundle.name + '@' + bundle.version + ' ' + bundle.variant : '-');
