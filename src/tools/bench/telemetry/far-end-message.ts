import type { Stream } from '../../../contract/telemetry/streams.ts';
import type { ReceivedStream } from './acking-fleet.ts';

/** What the thread of the far end is started with. */
export interface FarEndData {
  /** of the broker */
  readonly port: number;
}

/** One at a time; each has one answer. The thread's first message says that it is subscribed. */
export type FarEndRequest =
  /** a trial begins; its network has so many bits per second, null for no bound */
  | { readonly type: 'begin'; readonly bitsPerSecond: number | null }
  | { readonly type: 'end' }
  | { readonly type: 'close' };

export interface FarEndAnswers {
  begin: { readonly url: string };
  end: SeenOfTrial;
  close: { readonly received: ReadonlyMap<Stream, ReceivedStream> };
}

/** What the fleet saw of one trial. */
export interface SeenOfTrial {
  readonly history: { readonly batches: number; readonly bytes: number };
  /** from the trial's begin until it acknowledged the first message made while the robot was connected */
  readonly firstLiveSeconds: number | null;
}
