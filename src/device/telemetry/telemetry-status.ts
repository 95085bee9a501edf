import type { LinkCode } from '../../platform/mqtt/link-trouble.ts';
import type {
  CountsByStream,
  FleetTrouble,
  FromTelemetryThread,
  MeterStatus,
  OutboxTrouble,
  RefusedByStream,
} from './protocol.ts';

/** How telemetry is doing, for the page, the metrics, diagnostics and `goshawk telemetry`. */
export interface TelemetryStatus {
  readonly connected: boolean;
  readonly protocol: '5' | '3.1.1' | null;
  /** the broker of the list that is used, or was tried last; null before the first attempt ends */
  readonly broker: string | null;
  /**
   * trouble with the link, or of the broker with the messages; null if there is none and before the first attempt ends
   */
  readonly code: LinkCode | 'GOSHAWK_TELEMETRY_ENDED' | null;
  /** why the link is down or messages are refused; empty while all is well */
  readonly reason: string;
  /** why messages wait in memory only, and are lost with the process; null if the disk takes them */
  readonly outbox: OutboxTrouble | null;
  /** why nothing is acknowledged though messages are published; null where they are */
  readonly fleet: FleetTrouble | null;
  readonly streams: CountsByStream | null;
  /** bytes of messages that the broker took since the process began */
  readonly sentBytes: number;
  /** messages that were made while the thread of telemetry had ended, since the process began */
  readonly untaken: number;
  /** messages to the robot that were refused, by stream and reason */
  readonly refused: RefusedByStream;
  /** null without a limit of bytes a day */
  readonly meter: MeterStatus | null;
}

export const NOT_CONNECTED_YET: TelemetryStatus = {
  connected: false,
  protocol: null,
  broker: null,
  code: null,
  reason: 'not connected yet',
  outbox: null,
  fleet: null,
  streams: null,
  sentBytes: 0,
  untaken: 0,
  refused: {},
  meter: null,
};

/** The status after the thread has ended. What it counted, and its troubles, are those of the next one. */
export function statusWithoutThread({ untaken }: TelemetryStatus, reason: string): TelemetryStatus {
  return { ...NOT_CONNECTED_YET, untaken, code: 'GOSHAWK_TELEMETRY_ENDED', reason };
}

/** The status after the thread has posted something; the same object if nothing changed. */
export function statusAfter(status: TelemetryStatus, message: FromTelemetryThread): TelemetryStatus {
  switch (message.type) {
    case 'link': {
      const link = message.connected
        ? { connected: true, protocol: message.protocol, code: null, reason: '' }
        : { connected: false, protocol: null, ...message.trouble };
      return { ...status, ...link, broker: message.url };
    }
    case 'delivery': {
      const { code = null, reason = '' } = message.trouble ?? {};
      if (!status.connected || status.reason === reason) return status;
      return { ...status, code, reason };
    }
    case 'outbox':
      return { ...status, outbox: message.trouble };
    case 'fleet':
      return { ...status, fleet: message.trouble };
    case 'counts':
      return { ...status, streams: message.streams, sentBytes: message.sentBytes };
    case 'refused':
      return { ...status, refused: message.refused };
    case 'meter':
      return { ...status, meter: message.meter };
    case 'log':
    case 'clip-request':
    case 'transferred':
      return status;
  }
}
