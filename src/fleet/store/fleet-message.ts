import type { NumberRange } from '../../core/ledger/number-set.ts';
import type { Speaker } from '../../contract/telemetry/speaker.ts';
import type { LatestNews } from './latest-rows.ts';

/** Numbers of another stream or boot that the sender of a `gap` message declares lost. */
export interface Declaration {
  readonly stream: string;
  readonly bootId: string;
  readonly ranges: readonly NumberRange[];
}

/** Which message it is. */
export interface MessageIdentity {
  readonly sender: Speaker;
  readonly stream: string;
  readonly bootId: string;
  readonly bootCount: number | null;
  /** its numbers: the same, unless several messages were merged into it */
  readonly firstId: number;
  readonly lastId: number;
}

/** Names by sender and stream, for the boot that came last: making one takes longer than finding it. */
const NAMES = new WeakMap<Speaker, Map<string, { readonly bootId: string; readonly name: string }>>();

/** Names a row of the ledger: one stream in one boot of one sender. */
export function ledgerName({
  sender,
  stream,
  bootId,
}: Pick<MessageIdentity, 'sender' | 'stream' | 'bootId'>): string {
  const names = NAMES.get(sender) ?? new Map<string, { readonly bootId: string; readonly name: string }>();
  const known = names.get(stream);
  if (known?.bootId === bootId) return known.name;
  const name = `${sender.site}/${sender.robot}/${sender.node}/${stream}/${bootId}`;
  names.set(stream, { bootId, name });
  NAMES.set(sender, names);
  return name;
}

/** A message that was checked, as it is stored. */
export interface FleetMessage extends MessageIdentity {
  /** of the robot's clock */
  readonly atMs: number;
  /** of this process's clock */
  readonly receivedMs: number;
  readonly historical: boolean;
  /** the whole payload: JSON in UTF-8 whose every value PostgreSQL can read */
  readonly json: Uint8Array;
  /** of a window, the five minutes in which it began, by the robot's clock; null: it is in no rollup */
  readonly bucketMs: number | null;
  readonly declares: Declaration | null;
  /** what it says of how its detector is now; null if it says nothing of it, or waited before it was sent */
  readonly latest: LatestNews | null;
}
