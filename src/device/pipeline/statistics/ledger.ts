import { DROP_REASONS, REQUESTED_DROPS, type DropReason } from '../../../contract/drops.ts';

const REASON_INDEX: ReadonlyMap<DropReason, number> = new Map(
  DROP_REASONS.map((reason, index) => [reason, index]),
);

/** Frames of one camera, or of all, at one instant: `received = published + sum of drops + inFlight`. */
export interface FrameCounts {
  readonly received: number;
  readonly published: number;
  readonly inFlight: number;
  /** only reasons that occurred */
  readonly drops: Readonly<Partial<Record<DropReason, number>>>;
}

/**
 * The counts of one camera. A frame is entered once with `receive` and leaves once, by `publish` or by `drop`.
 * `inFlight` is counted separately, not computed from the others, so that a frame that leaves twice or never shows as a
 * wrong sum.
 */
export class CameraLedger {
  #received = 0;
  #published = 0;
  #inFlight = 0;
  #lastDrop: DropReason | null = null;
  #dropsInARow = 0;
  readonly #drops = new Float64Array(DROP_REASONS.length);

  get received(): number {
    return this.#received;
  }

  get published(): number {
    return this.#published;
  }

  get inFlight(): number {
    return this.#inFlight;
  }

  /** why the most recent drop happened; `null` before the first */
  get lastDrop(): DropReason | null {
    return this.#lastDrop;
  }

  /** drops since the last published frame; intentional ones do not count */
  get dropsInARow(): number {
    return this.#dropsInARow;
  }

  receive(): void {
    this.#received += 1;
    this.#inFlight += 1;
  }

  publish(): void {
    this.#published += 1;
    this.#inFlight -= 1;
    this.#dropsInARow = 0;
  }

  drop(reason: DropReason): void {
    const index = REASON_INDEX.get(reason) ?? 0;
    this.#drops[index] = (this.#drops[index] ?? 0) + 1;
    this.#inFlight -= 1;
    this.#lastDrop = reason;
    if (!REQUESTED_DROPS.has(reason)) this.#dropsInARow += 1;
  }

  dropped(reason: DropReason): number {
    return this.#drops[REASON_INDEX.get(reason) ?? 0] ?? 0;
  }

  read(): FrameCounts {
    return sumCounts([this]);
  }
}

/** The ledgers of several cameras added up. */
export function sumCounts(ledgers: Iterable<CameraLedger>): FrameCounts {
  let received = 0;
  let published = 0;
  let inFlight = 0;
  const drops: Partial<Record<DropReason, number>> = {};
  for (const ledger of ledgers) {
    received += ledger.received;
    published += ledger.published;
    inFlight += ledger.inFlight;
    for (const reason of DROP_REASONS) {
      const count = ledger.dropped(reason);
      if (count > 0) drops[reason] = (drops[reason] ?? 0) + count;
    }
  }
  return { received, published, inFlight, drops };
}
