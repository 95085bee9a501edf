import type { Status } from '../../contract/status.ts';
import type { DiagnosticStatus } from '../diagnostics.ts';

type Telemetry = NonNullable<Status['telemetry']>;

/** Links that do not recover by themselves. */
const NEEDS_SOMEBODY: ReadonlySet<string> = new Set([
  'GOSHAWK_BROKER_REFUSED',
  'GOSHAWK_BROKER_FLOODING',
  'GOSHAWK_CLIENT_TAKEN_OVER',
]);

/** Everything about telemetry: the link, where messages wait, who acknowledges them, and each stream. */
export function diagnoseTelemetry(telemetry: Telemetry): DiagnosticStatus[] {
  return [
    diagnoseLink(telemetry),
    diagnoseOutbox(telemetry),
    diagnoseFleet(telemetry),
    ...Object.entries(telemetry.streams ?? {}).map(([stream, counts]) => diagnoseStream(stream, counts)),
  ];
}

/**
 * The link, and the worst of what is behind it. A broker that is away recovers by itself; one that refuses, or a client
 * id used twice, needs attention.
 */
export function diagnoseLink(telemetry: Telemetry): DiagnosticStatus {
  const { connected, protocol, code, reason } = telemetry;
  const behind = telemetry.outbox ?? telemetry.fleet ?? null;
  const needsSomebody = NEEDS_SOMEBODY.has(code ?? '');
  const isUp = connected && reason === '';
  const words = `connected by MQTT ${protocol ?? ''}`;
  return {
    name: 'telemetry',
    level: isUp ? (behind === null ? 'ok' : 'warn') : needsSomebody ? 'error' : 'warn',
    message: !isUp
      ? [code, reason].filter(Boolean).join(': ')
      : behind === null
        ? words
        : `${words}; ${behind.code}: ${behind.reason}`,
    values: { connected: connected ? 'yes' : 'no', code: code ?? behind?.code ?? '' },
  };
}

function diagnoseOutbox({ outbox, streams }: Telemetry): DiagnosticStatus {
  const trouble = outbox ?? null;
  const counts = Object.values(streams ?? {});
  const ages = counts.map(({ oldestSeconds }) => oldestSeconds ?? 0);
  return {
    name: 'telemetry outbox',
    level: trouble === null ? 'ok' : 'warn',
    message: trouble === null ? 'on the disk' : `in memory only: ${trouble.code}: ${trouble.reason}`,
    values: {
      waiting: counts.reduce((sum, { waiting }) => sum + waiting, 0),
      waiting_bytes: counts.reduce((sum, { waitingBytes }) => sum + waitingBytes, 0),
      oldest_seconds: Math.max(0, ...ages),
    },
  };
}

function diagnoseFleet({ fleet, streams }: Telemetry): DiagnosticStatus {
  const trouble = fleet ?? null;
  return {
    name: 'telemetry fleet',
    level: trouble === null ? 'ok' : 'warn',
    message: trouble === null ? 'no trouble with acknowledgements' : `${trouble.code}: ${trouble.reason}`,
    values: {
      acknowledged: Object.values(streams ?? {}).reduce((sum, { delivered }) => sum + delivered, 0),
    },
  };
}

function diagnoseStream(
  stream: string,
  { produced, delivered, declared, waiting, waitingBytes, oldestSeconds }: StreamCounts,
): DiagnosticStatus {
  const lost = Object.entries(declared);
  return {
    name: `telemetry stream ${stream}`,
    level: 'ok',
    message: `${String(waiting)} waiting`,
    values: {
      produced,
      acknowledged: delivered,
      waiting,
      waiting_bytes: waitingBytes,
      oldest_seconds: oldestSeconds ?? 0,
      ...Object.fromEntries(lost.map(([reason, count]) => [`declared_${reason}`, count])),
    },
  };
}

type StreamCounts = NonNullable<Telemetry['streams']>[string];
