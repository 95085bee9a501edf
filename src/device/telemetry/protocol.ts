import type { MetricsBody, StateBody } from '../../contract/telemetry.ts';
import type { BrokerSecrets } from '../../platform/mqtt/broker-secrets.ts';
import type { LinkTrouble } from '../../platform/mqtt/link-trouble.ts';
import type { TlsFiles } from '../../platform/mqtt/tls-files.ts';

/** Everything that crosses between the telemetry client and its thread. */

/** How to reach the broker and who speaks. Secrets come as values or files, never on a command line. */
export interface TelemetrySettings extends BrokerSecrets, TlsFiles {
  /** `mqtt://`, `mqtts://`, `ws://` or `wss://`, without user or password */
  readonly url: string;
  readonly site: string;
  readonly robot: string;
  /** the detector on the robot */
  readonly node: string;
  readonly manufacturer: string;
  readonly bootId: string;
}

export type ToTelemetryThread =
  | { readonly type: 'state'; readonly body: StateBody }
  | { readonly type: 'metrics'; readonly body: MetricsBody }
  /** a message of the stream was made and cannot be sent: to be counted, and declared as a gap */
  | { readonly type: 'lost'; readonly stream: 'state' | 'metrics' }
  | { readonly type: 'close' };

/** Counts since the thread began: `produced = delivered + dropped + waiting`, for each stream. */
export interface TelemetryCounts {
  readonly produced: number;
  readonly delivered: number;
  readonly dropped: number;
  readonly waiting: number;
}

export type FromTelemetryThread =
  | { readonly type: 'link'; readonly connected: true; readonly protocol: '5' | '3.1.1' }
  | { readonly type: 'link'; readonly connected: false; readonly trouble: LinkTrouble }
  /** the link stands and the broker takes a message, or does not */
  | { readonly type: 'delivery'; readonly trouble: LinkTrouble | null }
  | { readonly type: 'counts'; readonly streams: Readonly<Record<'state' | 'metrics', TelemetryCounts>> }
  | { readonly type: 'closed' };
