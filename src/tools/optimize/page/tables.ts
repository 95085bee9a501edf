import type { OptimizeReport } from '../../../contract/optimize.ts';
import { html, type Markup } from '../../page/markup.ts';
import { table } from '../../page/table.ts';

export const asPoints = (value: number | null): string => (value === null ? '–' : (100 * value).toFixed(2));
export const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;
const milliseconds = (value: number): string => value.toFixed(2);

function spread(interval: { low: number; high: number } | null): string {
  return interval === null ? '' : `${asPoints(interval.low)} … ${asPoints(interval.high)}`;
}

export function variantTable({ variants, original }: OptimizeReport): Markup {
  const first = html`<tr>
    <td>original</td>
    <td><span class="soft">source</span></td>
    <td class="n">${asPoints(original.final.ap)}</td>
    <td class="n"></td>
    <td class="n"></td>
    <td class="n">${original.bytes}</td>
    <td class="n">100 %</td>
    <td class="n"></td>
    <td class="n">1.00</td>
  </tr>`;
  const rows = variants.map(
    ({ id, candidate, final, bytes, bytesRatio, latencyMs, providers, reason, confirmed }) => {
      const timed = providers.includes('cpu') ? latencyMs : null;
      const why = confirmed ? reason : `${reason}; the final part does not confirm it`;
      return html`<tr>
        <td>${id}</td>
        <td class="why">${candidate}<br /><span class="soft">${providers.join(', ')}: ${why}</span></td>
        <td class="n">${asPoints(final.ap)}<br /><span class="soft">${spread(final.interval)}</span></td>
        <td class="n">${asPoints(final.drop)}</td>
        <td class="n">${spread(final.dropInterval)}</td>
        <td class="n">${bytes}</td>
        <td class="n">${percent(bytesRatio)}</td>
        <td class="n">
          ${timed ? milliseconds(timed.p50) : 'not measured here'}<br /><span class="soft"
            >${timed ? `${milliseconds(timed.p25)} … ${milliseconds(timed.p75)}` : ''}</span
          >
        </td>
        <td class="n">${timed ? timed.ratio.toFixed(3) : ''}</td>
      </tr>`;
    },
  );
  return table(
    [
      ['variant', false],
      ['candidate; providers: why', false],
      ['AP', true],
      ['lost, points', true],
      ['95 % interval', true],
      ['bytes', true],
      ['of the original', true],
      ['latency, ms (quartiles)', true],
      ['ratio', true],
    ],
    [first, ...rows],
  );
}

export function floorTable({ byFloor }: OptimizeReport): Markup {
  const rows = byFloor.map(
    ({ maxApDrop, fastest, latencyRatio, smallest, bytesRatio }) =>
      html`<tr>
        <td class="n">${asPoints(maxApDrop)}</td>
        <td>${fastest}</td>
        <td class="n">${latencyRatio.toFixed(3)}</td>
        <td>${smallest}</td>
        <td class="n">${percent(bytesRatio)}</td>
      </tr>`,
  );
  return table(
    [
      ['may lose, points', true],
      ['fastest', false],
      ['latency ratio', true],
      ['smallest', false],
      ['of the bytes', true],
    ],
    rows,
  );
}

export function candidateTable({ candidates }: OptimizeReport): Markup {
  const rows = candidates.map(
    ({ id, verdict, accuracy, latencyMs, bytes, quantizedLayers, floatLayers, reason }) => {
      const lost =
        accuracy === null
          ? ''
          : `${asPoints(accuracy.expectedDrop)} ± ${asPoints(accuracy.expectedDeviation)}`;
      return html`<tr class="${verdict}">
        <td>${id}</td>
        <td class="n">${accuracy === null ? '' : asPoints(accuracy.ap)}</td>
        <td class="n">${lost}</td>
        <td class="n">${accuracy === null ? '' : asPoints(accuracy.agreement)}</td>
        <td class="n">${latencyMs === null ? '' : latencyMs.ratio.toFixed(3)}</td>
        <td class="n">${bytes}</td>
        <td class="n">${quantizedLayers} / ${floatLayers}</td>
        <td>${verdict}: ${reason}</td>
      </tr>`;
    },
  );
  return table(
    [
      ['candidate', false],
      ['AP, search part', true],
      ['expected loss', true],
      ['agreement', true],
      ['latency ratio', true],
      ['bytes', true],
      ['int8 / float nodes', true],
      ['verdict', false],
    ],
    rows,
  );
}

export function stepTable({ steps }: OptimizeReport): Markup {
  const rows = steps.map(
    ({ name, seconds, reused }) =>
      html`<tr>
        <td>${name}</td>
        <td class="n">${seconds.toFixed(1)}</td>
        <td>${reused ? 'from an earlier run' : ''}</td>
      </tr>`,
  );
  return table(
    [
      ['step', false],
      ['seconds', true],
      ['', false],
    ],
    rows,
  );
}
