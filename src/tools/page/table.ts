import { html, type Markup } from './markup.ts';

/** @param heads name of each column, and whether it has numbers @param rows `<tr>` each */
export function table(heads: readonly (readonly [string, boolean])[], rows: readonly Markup[]): Markup {
  const cells = heads.map(([name, isNumber]) => html`<th class="${isNumber ? 'n' : ''}">${name}</th>`);
  return html`<div class="scroll">
    <table>
      <thead>
        <tr>
          ${cells}
        </tr>
      </thead>
      <tbody>
        ${rows}
      </tbody>
    </table>
  </div>`;
}

/** Names and values in two columns. */
export function factTable(facts: readonly (readonly [string, string])[]): Markup {
  const rows = facts.map(
    ([name, value]) =>
      html`<tr>
        <td>${name}</td>
        <td>${value}</td>
      </tr>`,
  );
  return table(
    [
      ['what', false],
      ['value', false],
    ],
    rows,
  );
}
