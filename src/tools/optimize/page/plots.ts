import type { OptimizeFinalAccuracy, OptimizeReport } from '../../../contract/optimize.ts';
import { scaleOf, xAxis, yAxis, type Field } from '../../page/axis.ts';
import { html, NOTHING, type Markup } from '../../page/markup.ts';

const number = (value: number): string => value.toFixed(1);

/**
 * Every layer in graph order; the height is the error of the outputs if only this layer is quantized, on a
 * logarithmic scale.
 */
export function sensitivityPlot(layers: OptimizeReport['sensitivity']): Markup {
  const known = layers.flatMap(({ error }) => (error !== null && error > 0 ? [error] : []));
  if (known.length === 0) return html`<p>No layer was measured on its own.</p>`;
  const field: Field = { left: 66, top: 16, width: 1100, height: 240 };
  const low = Math.floor(Math.log10(Math.min(...known)));
  const high = Math.ceil(Math.log10(Math.max(...known)) + 1e-9);
  const scale = scaleOf(low, Math.max(high, low + 1), field.top + field.height, field.top);
  const step = field.width / layers.length;
  const bottom = field.top + field.height;
  const bars = layers.map(({ node, opType, error, parameters, keptInFloat }, i) => {
    const value = error === null ? scale.high : Math.log10(Math.max(error, 10 ** scale.low));
    const top = scale.at(value);
    const text =
      `${node} (${opType}, ${parameters} parameters): ` +
      `${error === null ? 'no numbers' : error.toExponential(2)}; ` +
      `${keptInFloat ? 'float' : 'int8'} in the first variant`;
    return html`<rect
      class="${keptInFloat ? 'bar-float' : 'bar-int8'}"
      x="${number(field.left + i * step)}"
      y="${number(top)}"
      width="${number(Math.max(1, step * 0.8))}"
      height="${number(Math.max(1, bottom - top))}"
      ><title>${text}</title></rect
    >`;
  });
  return html`<figure>
    <figcaption>
      Sensitivity by layer: relative error of the outputs where only this layer is quantized
    </figcaption>
    <p class="legend">
      <span class="swatch bar-int8-swatch"></span>int8 in the first variant
      <span class="swatch bar-float-swatch"></span>float
    </p>
    <svg viewBox="0 0 1200 312" role="img" aria-label="Sensitivity by layer">
      ${yAxis({
        field,
        scale,
        title: 'relative error',
        format: (power) => (Number.isInteger(power) ? `1e${power}` : ''),
        count: Math.max(1, scale.high - scale.low),
      })}
      ${bars}
      <text class="axis" x="${field.left + field.width / 2}" y="${bottom + 30}" text-anchor="middle">
        layers in the order of the graph
      </text>
    </svg>
  </figure>`;
}

/**
 * AP of each class before and after, best first. Classes without an object in the final part have no AP and
 * are omitted.
 */
export function classPlot(before: OptimizeFinalAccuracy, after: OptimizeFinalAccuracy): Markup {
  const rows = Object.entries(before.apByClass)
    .flatMap(([label, ap]) => {
      const later = after.apByClass[label] ?? null;
      return ap === null || later === null ? [] : [{ label, ap, later }];
    })
    .sort((a, b) => b.ap - a.ap);
  if (rows.length === 0) return html`<p>No class has an object.</p>`;
  const rowHeight = 18;
  const field: Field = { left: 140, top: 12, width: 420, height: rows.length * rowHeight };
  const scale = scaleOf(0, 1, field.left, field.left + field.width);
  const marks = rows.map(({ label, ap, later }, i) => {
    const y = field.top + (i + 0.5) * rowHeight;
    const text = `${label}: ${(100 * ap).toFixed(1)} before, ${(100 * later).toFixed(1)} after`;
    return html`<g
      ><title>${text}</title
      ><text class="tick" x="${field.left - 8}" y="${y}" dy="0.32em" text-anchor="end">${label}</text
      ><line
        class="${later < ap ? 'lost' : 'won'}"
        x1="${number(scale.at(ap))}"
        y1="${y}"
        x2="${number(scale.at(later))}"
        y2="${y}" /><circle class="before" cx="${number(scale.at(ap))}" cy="${y}" r="4.5" /><circle
        class="after"
        cx="${number(scale.at(later))}"
        cy="${y}"
        r="3.5"
    /></g>`;
  });
  return html`<figure>
    <figcaption>AP by class, final part</figcaption>
    ${BEFORE_AFTER}
    <svg viewBox="0 0 600 ${field.height + 62}" role="img" aria-label="AP by class">
      ${xAxis({ field, scale, title: 'AP, points', format: (value) => String(Math.round(100 * value)), count: 5 })}
      ${marks}
    </svg>
  </figure>`;
}

const BEFORE_AFTER = html`<p class="legend">
  <span class="swatch before-swatch"></span>before <span class="swatch after-swatch"></span>after (first
  variant)
</p>`;

/** Precision by recall at IoU 0.5, averaged over classes, before and after. */
export function recallPlot(before: OptimizeFinalAccuracy, after: OptimizeFinalAccuracy): Markup {
  if (before.precisionRecall50 === null || after.precisionRecall50 === null) return NOTHING;
  const field: Field = { left: 66, top: 16, width: 500, height: 300 };
  const xScale = scaleOf(0, 1, field.left, field.left + field.width);
  const yScale = scaleOf(0, 1, field.top + field.height, field.top);
  const line = (curve: readonly number[]): string =>
    curve
      .map(
        (precision, level) =>
          `${number(xScale.at(level / (curve.length - 1)))},${number(yScale.at(precision))}`,
      )
      .join(' ');
  const format = (value: number): string => value.toFixed(1);
  return html`<figure>
    <figcaption>Precision and recall at IoU 0.5, mean over classes, final part</figcaption>
    ${BEFORE_AFTER}
    <svg viewBox="0 0 600 372" role="img" aria-label="Precision and recall">
      ${xAxis({ field, scale: xScale, title: 'recall', format, count: 5 })}
      ${yAxis({ field, scale: yScale, title: 'precision', format, count: 5 })}
      <polyline class="curve-before" points="${line(before.precisionRecall50)}" />
      <polyline class="curve-after" points="${line(after.precisionRecall50)}" />
    </svg>
  </figure>`;
}
