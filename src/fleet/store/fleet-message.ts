import type { NumberRange } from '../../core/ledger/number-set.ts';
import type { Speaker } from '../../contract/telemetry/speaker.ts';

/** Numbers of another stream or boot that the sender of a `gap` message declares lost. */
export interface Declaration {
  readonly stream: string;
  readonly bootId: string;
  readonly ranges: readonly NumberRange[];
}

/** Names a row of the ledger: one stream in one boot of one sender. */
export function ledgerName({
  sender: { site, robot, node },
  stream,
  bootId,
}: Pick<FleetMessage, 'sender' | 'stream' | 'bootId'>): string {
  return `${site}/${robot}/${node}/${stream}/${bootId}`;
}

/** A message that was checked, as it is stored. */
export interface FleetMessage {
  readonly sender: Speaker;
  readonly stream: string;
  readonly bootId: string;
  readonly bootCount: number | null;
  /** its numbers: the same, unless several messages were merged into it */
  readonly firstId: number;
  readonly lastId: number;
  /** of the robot's clock */
  readonly atMs: number;
  /** of this process's clock */
  readonly receivedMs: number;
  readonly historical: boolean;
  /** the whole payload: JSON in UTF-8 that PostgreSQL accepts as jsonb */
  readonly json: Uint8Array;
  readonly declares: Declaration | null;
}
