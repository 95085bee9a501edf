interface Latency {
  readonly p50: number;
  readonly p99: number;
}

/** What the line shows, from a device in this process or from `/api/status`. */
export interface LineStats {
  readonly fps: { readonly in: number; readonly out: number };
  readonly frames: { readonly drops: Readonly<Record<string, number>> };
  readonly recentMs: { readonly total: Latency; readonly stages: Readonly<Record<string, Latency>> };
  readonly bundle: { readonly name: string; readonly version: string } | null;
  readonly variant: string | null;
  readonly provider: string | null;
  readonly telemetry: { readonly connected: boolean; readonly protocol: string | null } | null;
}

function pair(latency: Latency | undefined): string {
  return latency === undefined ? '-' : `${latency.p50.toFixed(1)}/${latency.p99.toFixed(1)}`;
}

/** Stages shown on the line; the page shows all. */
const SHOWN = ['preprocess', 'inference', 'decode', 'publish'] as const;

/**
 * The status in one line: rates, latencies (p50/p99, milliseconds), drops by reason, model.
 * @param fleet what the fleet has of it; early in the line, of which a narrow terminal shows the beginning
 */
export function statusLine(status: LineStats, fleet = ''): string {
  const { fps, recentMs, frames, bundle } = status;
  const stages = SHOWN.map((stage) => `${stage} ${pair(recentMs.stages[stage])}`).join(', ');
  const drops = Object.entries(frames.drops).filter(([, count]) => count > 0);
  const dropped =
    drops.length === 0 ? 'none' : drops.map(([reason, count]) => `${reason} ${count}`).join(', ');
  const model =
    bundle === null ? 'no model' : `${bundle.name}@${bundle.version} ${status.variant} on ${status.provider}`;
  const telemetry =
    status.telemetry === null
      ? ''
      : ` | MQTT ${status.telemetry.connected ? status.telemetry.protocol : 'away'}`;
  return (
    `${fps.in.toFixed(1)} in, ${fps.out.toFixed(1)} out fps | ${fleet === '' ? '' : `${fleet} | `}` +
    `ms p50/p99: ${stages}, total ${pair(recentMs.total)} | ` +
    `dropped: ${dropped} | ${model}${telemetry}`
  );
}
