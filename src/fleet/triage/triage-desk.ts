import type { TriageQuery, TriageReport } from '../../contract/fleet/drift.ts';
import { TRIAGE_KINDS, type TriageKind } from '../../core/drift/triage/groups.ts';
import { triage } from '../../core/drift/triage/triage.ts';
import { NO_STATES } from '../../core/drift/drift-rollup.ts';
import type { DriftState } from '../../core/drift/window-verdict.ts';
import { GoshawkError } from '../../contract/errors.ts';
import type { Database } from '../store/database.ts';
import { keptSince } from '../store/read-drift.ts';
import { compareFleet, type ComparedFleet } from './compared-cameras.ts';
import { describeAnswer } from './describe-answer.ts';
import { Turns } from './turns.ts';
import { UsualCameras } from './usual-cameras.ts';

const MINUTE_MS = 60_000;
const STEP_MS = 5 * MINUTE_MS;
/** An answer to the same question is given again for so long; rollups change every five minutes. */
const SAME_MS = 60_000;
/** Answers that are kept: those of a few pages that look at different times. */
const KEPT = 8;
/** Questions that wait: each may take a second of CPU. */
const PLACES = 4;
/** What metrics count. */
const COUNTED: TriageQuery = { minutes: 30 };

/** What metrics have of triage. */
export interface TriageCounts {
  /** of those that were looked at, those with a verdict in the time: the newest */
  readonly cameras: readonly { readonly site: string; readonly state: DriftState }[];
  readonly answers: ReadonlyMap<TriageKind, number>;
  /** since it was counted; before the first count, since it was asked for */
  readonly ageSeconds: number;
}

interface MadeReport extends Pick<TriageCounts, 'cameras'> {
  readonly report: TriageReport;
}

/** An answer that is there, or is worked on. */
interface Kept {
  readonly askedMs: number;
  readonly made: Promise<MadeReport>;
}

/** Says what is wrong where. One question is worked on at a time, since each may take a second of CPU. */
export class TriageDesk {
  readonly #database: Pick<Database, 'query'>;
  readonly #usual: UsualCameras;
  readonly #turns = new Turns(1, PLACES);
  /** by question, the one that was asked longest ago first */
  readonly #kept = new Map<string, Kept>();
  #counted: (Omit<TriageCounts, 'ageSeconds'> & { readonly atMs: number }) | null = null;
  #counting: Promise<void> | null = null;
  #firstAskedMs: number | null = null;

  constructor(database: Pick<Database, 'query'>) {
    this.#database = database;
    this.#usual = new UsualCameras(database);
  }

  /**
   * @throws GoshawkError GOSHAWK_FLEET_BUSY if too many other questions wait, GOSHAWK_PARAMETER_INVALID for a time
   * whose rollups were dropped; as `Database.query` does
   */
  async answer(query: TriageQuery, now: Date): Promise<TriageReport> {
    return (await this.#make(query, now)).report;
  }

  /**
   * Of the last half hour, as it was counted last, which nobody waits for: whoever asks later than a minute after that
   * starts the next count, and one that fails leaves the last. Empty before the first.
   */
  counts(now: Date): TriageCounts {
    const counted = this.#counted;
    this.#firstAskedMs ??= now.getTime();
    if (counted === null || now.getTime() - counted.atMs >= SAME_MS) void this.refresh(now);
    const { atMs, ...counts } = counted ?? { cameras: [], answers: new Map(), atMs: this.#firstAskedMs };
    return { ...counts, ageSeconds: Math.max(0, now.getTime() - atMs) / 1_000 };
  }

  /** Counts anew, unless that is being done already; never throws. */
  refresh(now: Date): Promise<void> {
    this.#counting ??= this.#count(now)
      .catch(() => undefined)
      .finally(() => (this.#counting = null));
    return this.#counting;
  }

  async #count(now: Date): Promise<void> {
    const { report, cameras } = await this.#make(COUNTED, now, true);
    const answers = TRIAGE_KINDS.map(
      (kind) => [kind, report.answers.filter((one) => one.kind === kind).length] as const,
    );
    this.#counted = { cameras, answers: new Map(answers), atMs: now.getTime() };
  }

  #make({ minutes, until }: TriageQuery, now: Date, isFirst = false): Promise<MadeReport> {
    const endMs = until === undefined ? now.getTime() : Date.parse(until);
    const startMs = Math.floor((endMs - minutes * MINUTE_MS) / STEP_MS) * STEP_MS;
    const key = `${startMs} ${minutes} ${until ?? ''}`;
    const kept = this.#kept.get(key);
    if (kept !== undefined && Math.abs(now.getTime() - kept.askedMs) < SAME_MS) return kept.made;
    const made = this.#turns.take(async () => {
      await this.#refuseDropped(startMs, until);
      const fleet = await compareFleet(this.#database, this.#usual, { startMs, endMs });
      return { report: reportOf(fleet, { startMs, endMs }, now), cameras: statesOf(fleet) };
    }, isFirst);
    this.#keep(key, { askedMs: now.getTime(), made });
    return made;
  }

  /** An empty answer would say that nothing was wrong then. */
  async #refuseDropped(startMs: number, until = ''): Promise<void> {
    const { '5m': sinceMs } = await keptSince(this.#database);
    if (startMs >= sinceMs) return;
    const since = new Date(sinceMs).toISOString();
    const reason = `rollups of 5 minutes are kept from ${since} on; /api/v1/drift has longer ones of earlier times`;
    throw new GoshawkError('GOSHAWK_PARAMETER_INVALID', { name: 'until', value: until, reason });
  }

  #keep(key: string, kept: Kept): void {
    this.#kept.delete(key);
    this.#kept.set(key, kept);
    for (const oldest of [...this.#kept.keys()].slice(0, -KEPT)) this.#kept.delete(oldest);
    kept.made.catch(() => {
      if (this.#kept.get(key) === kept) this.#kept.delete(key);
    });
  }
}

function statesOf({ cameras }: ComparedFleet): TriageCounts['cameras'] {
  return cameras.flatMap(({ site, drift: { verdict } }) =>
    verdict === undefined ? [] : { site, state: verdict.state },
  );
}

function reportOf(
  { total, cameras }: ComparedFleet,
  { startMs, endMs }: { readonly startMs: number; readonly endMs: number },
  now: Date,
): TriageReport {
  const states = { ...NO_STATES };
  for (const { drift } of cameras) if (drift.verdict !== undefined) states[drift.verdict.state] += 1;
  return {
    generatedAt: now.toISOString(),
    start: new Date(startMs).toISOString(),
    end: new Date(endMs).toISOString(),
    cameras: {
      total,
      sampled: cameras.length,
      compared: cameras.filter(({ shift }) => shift !== null).length,
      states,
    },
    answers: triage(cameras).map((answer) => describeAnswer(answer, cameras)),
  };
}
