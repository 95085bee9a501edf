import type { QuantityName } from '../../contract/quantities.ts';
import type { HostStats } from '../../contract/telemetry/shapes.ts';

/** Fields of messages whose values are kept within the range of their kind. */
type RangedField =
  `host.${keyof HostStats}` | 'cameras.fps.in' | 'cameras.fps.out' | 'process.eventLoopDelayP99Ms';

/** What was measured, and a message does not carry as it was measured: it is out of the range of its kind. */
export interface OutOfRange {
  readonly quantity: QuantityName;
  readonly value: number;
  /** what was measured, in words for the log */
  readonly what: string;
  /** what the message has otherwise, or lacks: two that belong together are left out together */
  readonly fields: readonly RangedField[];
  /** `clamped`: the message has the end of the range instead; `omitted`: it has nothing */
  readonly reason: 'clamped' | 'omitted';
}

/** Is told of each of them. */
export type NoteOutOfRange = (found: OutOfRange) => void;
