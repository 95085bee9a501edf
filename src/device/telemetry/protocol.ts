import type { Speaker } from '../../contract/telemetry/speaker.ts';
import type { ClipChunk, ClipRequest } from '../../contract/telemetry/clips.ts';
import type { ReportedStream, StoredStream } from '../../contract/telemetry/streams.ts';
import type { BrokerSecrets } from '../../platform/mqtt/broker-secrets.ts';
import type { LinkTrouble } from '../../platform/mqtt/link-trouble.ts';
import type { LinkTiming } from '../../platform/mqtt/mqtt-link.ts';
import type { TlsFiles } from '../../platform/mqtt/tls-files.ts';
import type { Allowance } from './budget.ts';
import type { ResendTiming } from './dispatcher.ts';
import type { QueueCounts } from './outbox/stream-queue.ts';

/** Everything that crosses between the telemetry client and its thread. */

/** Who sends, and in which process run. */
export interface SenderIdentity extends Speaker {
  readonly manufacturer: string;
  readonly bootId: string;
}

/** What a day's bytes allow. */
export interface MeterStatus {
  readonly bytesPerDay: number;
  /** published today, on the outbox's own clock */
  readonly usedBytes: number;
  readonly allowance: Allowance;
}

/** How to reach the broker and who sends. Secrets come as values or files, never on a command line. */
export interface TelemetrySettings extends SenderIdentity, BrokerSecrets, TlsFiles {
  /** brokers, the preferred one first: `mqtt://`, `mqtts://`, `ws://` or `wss://`, without user or password */
  readonly urls: readonly string[];
  /** times between attempts; those for a large fleet if it is not given */
  readonly timing?: LinkTiming;
  /** when messages that are not acknowledged are published again; the usual times if it is not given */
  readonly resend?: ResendTiming;
  /** bytes that may be published in a day; no limit if it is 0 or not given */
  readonly bytesPerDay?: number;
  /** folder of the outbox */
  readonly outbox: string;
}

/** A message of a stream, or some that cannot be sent: they are counted and declared as a gap. */
export type StreamMessage =
  | { readonly type: 'message'; readonly stream: ReportedStream; readonly body: object }
  | {
      readonly type: 'lost';
      readonly stream: ReportedStream;
      readonly count: number;
      readonly reason: 'invalid' | 'not_taken';
    };

/** A chunk of a clip to publish now, or never. */
export interface ChunkMessage {
  readonly type: 'chunk';
  readonly id: number;
  readonly chunk: ClipChunk;
}

export type ToTelemetryThread = StreamMessage | ChunkMessage | { readonly type: 'close' };

export type CountsByStream = Readonly<Record<StoredStream, QueueCounts>>;

/**
 * Why a message to a robot is refused; the names are those of the fleet.
 * - `too_large`: more bytes than its stream needs
 * - `json`: no JSON object, or nested too deeply
 * - `version`: of another major version than its topic
 * - `schema`: not what its stream is made of
 * - `identity`: to another robot or node than its topic
 * - `clip`: it names what cannot be a clip, such as a path
 */
export type RefusedReason = 'too_large' | 'json' | 'version' | 'schema' | 'identity' | 'clip';

/** Messages to the robot that were refused, by stream and reason. */
export type RefusedByStream = Readonly<Record<string, Readonly<Partial<Record<RefusedReason, number>>>>>;

/** Why messages do not wait on the disk. */
export interface OutboxTrouble {
  readonly code: 'GOSHAWK_OUTBOX_IN_USE' | 'GOSHAWK_OUTBOX_UNWRITABLE';
  readonly reason: string;
}

/** Why nothing is acknowledged though messages are published. */
export interface FleetTrouble {
  readonly code: 'GOSHAWK_TELEMETRY_UNACKNOWLEDGED';
  readonly reason: string;
}

export type FromTelemetryThread =
  | {
      readonly type: 'link';
      readonly connected: true;
      readonly protocol: '5' | '3.1.1';
      readonly url: string;
    }
  | {
      readonly type: 'link';
      readonly connected: false;
      readonly trouble: LinkTrouble;
      /** the broker that was tried */
      readonly url: string;
    }
  /** the link is up and the broker accepts a message, or does not */
  | { readonly type: 'delivery'; readonly trouble: LinkTrouble | null }
  /** the disk takes messages, or does not: then they wait in memory only */
  | { readonly type: 'outbox'; readonly trouble: OutboxTrouble | null }
  /** messages are published and the fleet acknowledges them, or does not */
  | { readonly type: 'fleet'; readonly trouble: FleetTrouble | null }
  /** only if bytes are limited */
  | { readonly type: 'meter'; readonly meter: MeterStatus }
  /** the fleet wants a clip */
  | { readonly type: 'clip-request'; readonly request: ClipRequest }
  /** what became of a chunk */
  | { readonly type: 'transferred'; readonly id: number; readonly isSent: boolean }
  /** what came and was refused, since the thread began */
  | { readonly type: 'refused'; readonly refused: RefusedByStream }
  | { readonly type: 'log'; readonly line: string }
  | { readonly type: 'counts'; readonly streams: CountsByStream; readonly sentBytes: number };
