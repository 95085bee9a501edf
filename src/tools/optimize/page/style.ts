import { Markup } from './markup.ts';

/** Colors follow the reader's system; blue and orange are told apart by everyone. */
export const STYLE = new Markup(`
:root { color-scheme: light dark; --page: #fbfbfa; --card: #fff; --ink: #1c1e21; --soft: #62676d; --line: #e3e4e6;
  --blue: #1f6feb; --orange: #d9730d; --green: #1a7f37; --red: #cf222e; --gray: #8a9098; }
@media (prefers-color-scheme: dark) { :root { --page: #0f1216; --card: #171b21; --ink: #e6e9ed; --soft: #9aa3ad; --line: #2a3038;
  --blue: #6cb0ff; --orange: #f2a65a; --green: #5bd27c; --red: #ff7b72; --gray: #7c858f; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 1240px; margin: 0 auto; padding: 28px 20px 60px; }
h1 { font-size: 26px; margin: 0 0 4px; } h2 { font-size: 18px; margin: 36px 0 10px; }
p { margin: 6px 0; } .soft, figcaption, .legend { color: var(--soft); } code { font-size: 13px; overflow-wrap: anywhere; }
.cards { display: grid; grid-template-columns: repeat(auto-fit, minmax(170px, 1fr)); gap: 12px; margin: 18px 0; }
.card { background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 12px 16px; }
.card b { display: block; font-size: 26px; line-height: 1.25; } .card span { color: var(--soft); font-size: 13px; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(440px, 100%), 1fr)); gap: 16px; align-items: start; }
figure { margin: 0 0 16px; background: var(--card); border: 1px solid var(--line); border-radius: 10px; padding: 14px 16px; }
figcaption { font-weight: 600; margin-bottom: 6px; } svg { width: 100%; height: auto; display: block; }
svg text { fill: var(--soft); font: 12px system-ui, sans-serif; } svg .label { fill: var(--ink); paint-order: stroke; stroke: var(--card); stroke-width: 4px; stroke-linejoin: round; } svg .axis { font-size: 13px; }
.grid { stroke: var(--line); } .floor { stroke: var(--red); stroke-dasharray: 6 4; } svg .floor-label { fill: var(--red); }
.point path { fill: var(--gray); stroke: none; } .point.chosen path { fill: var(--green); } .point.kept path { fill: var(--blue); }
.point.accepted path { fill: var(--blue); fill-opacity: 0.45; } .point.original path { fill: var(--ink); }
.point.refused path, .point.failed path { stroke: var(--gray); stroke-width: 1.6; fill: none; }
.bar-int8 { fill: var(--blue); } .bar-float { fill: var(--orange); }
.before { fill: var(--gray); } .after { fill: var(--blue); } .lost { stroke: var(--red); stroke-width: 2; } .won { stroke: var(--green); stroke-width: 2; }
.curve-before, .curve-after { fill: none; stroke-width: 2.2; stroke: var(--gray); } .curve-after { stroke: var(--blue); }
.swatch { display: inline-block; width: 11px; height: 11px; border-radius: 3px; margin: 0 5px 0 10px; }
.before-swatch { background: var(--gray); } .after-swatch, .bar-int8-swatch { background: var(--blue); } .bar-float-swatch { background: var(--orange); }
.scroll { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: 10px; }
table { border-collapse: collapse; width: 100%; font-size: 13.5px; } th, td { text-align: left; padding: 6px 12px; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--soft); font-weight: 600; white-space: nowrap; } td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
td.why { min-width: 230px; } tr:last-child td { border-bottom: 0; } tr.chosen td:first-child { color: var(--green); font-weight: 600; } tr.kept td:first-child { color: var(--blue); font-weight: 600; }
tr.refused, tr.failed { color: var(--soft); } summary { cursor: pointer; margin: 8px 0; }
.warn { border-left: 3px solid var(--orange); padding-left: 10px; }
`);
