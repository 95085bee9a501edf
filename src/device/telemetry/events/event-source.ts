import { REQUESTED_DROPS, type DropReason } from '../../../contract/drops.ts';
import type { StreamBody } from '../../../contract/telemetry/streams.ts';
import { cutText } from '../../../core/cut-text.ts';
import { isSilent } from '../../../core/silence.ts';
import { refusedOf } from '../../inference/describe-choice.ts';
import type { CameraSnapshot, PipelineSnapshot } from '../../pipeline/statistics/snapshot.ts';
import { engineCondition } from '../../runtime/engine-trouble.ts';

export type EventBody = StreamBody<'event'>;

/** Frames that are looked at together to say which share of them was dropped. */
const DROP_WINDOW_FRAMES = 100;
/** Share of dropped frames from which it is an event, and below which it is over. */
const MANY_DROPS = 0.5;
const FEW_DROPS = 0.1;

/** What else is looked at. */
export interface Surroundings {
  readonly silentAfterMs: number;
  /** number of the newest published frame of a camera */
  newestFrame(camera: string): number | undefined;
}

/** How a camera was when it was looked at before. */
interface CameraBefore {
  isSilent: boolean;
  isDropping: boolean;
  received: number;
  drops: number;
  reasons: CameraSnapshot['frames']['drops'];
}

/** Turns what changed between two looks at a device into events. Begins anew with each session. */
export class EventSource {
  readonly #cameras = new Map<string, CameraBefore>();
  #lost = 0;
  #restored = 0;
  #refused: string | null = null;

  /** What happened since the last call. */
  look(snapshot: PipelineSnapshot, surroundings: Surroundings): EventBody[] {
    return [
      ...this.#lookAtEngine(snapshot),
      ...(snapshot.state === 'active'
        ? Object.entries(snapshot.cameras).flatMap(([name, camera]) =>
            this.#lookAtCamera(name, camera, snapshot.activeMs ?? 0, surroundings),
          )
        : []),
    ];
  }

  #lookAtEngine(snapshot: PipelineSnapshot): EventBody[] {
    const { engine, engineLost, engineRestored } = snapshot;
    const events: EventBody[] = [];
    if (engine !== null && this.#refused === null) {
      const refused = refusedOf(engine);
      this.#refused = refused.join('; ');
      if (refused.length > 0)
        events.push({
          kind: 'reference_refused',
          severity: 'warning',
          text: bounded(`variants failed their reference check: ${this.#refused}`),
          values: { refused: refused.length, variant: engine.variant, provider: engine.provider },
        });
    }
    const { words } = engineCondition(snapshot);
    const values = { lost: engineLost, restored: engineRestored };
    if (engineLost > this.#lost)
      events.push({ kind: 'engine_degraded', severity: 'error', text: bounded(words), values });
    if (engineRestored > this.#restored)
      events.push({ kind: 'engine_restarted', severity: 'warning', text: bounded(words), values });
    this.#lost = engineLost;
    this.#restored = engineRestored;
    return events;
  }

  #lookAtCamera(
    camera: string,
    { lastFrameAgeMs, frames }: CameraSnapshot,
    activeMs: number,
    surroundings: Surroundings,
  ): EventBody[] {
    const before = this.#cameras.get(camera) ?? {
      isSilent: false,
      isDropping: false,
      received: frames.received,
      drops: droppedOf(frames.drops),
      reasons: frames.drops,
    };
    this.#cameras.set(camera, before);
    const newest = surroundings.newestFrame(camera);
    const about = { camera, ...(newest === undefined ? {} : { frames: [newest] }) };
    const events: EventBody[] = [];
    // A camera that was silent before a pause is not back until a frame arrives.
    const listeningMs = before.isSilent ? Infinity : activeMs;
    const silent = isSilent(lastFrameAgeMs, listeningMs, surroundings.silentAfterMs);
    if (silent !== before.isSilent) {
      const seconds = Math.round((lastFrameAgeMs ?? activeMs) / 1000);
      events.push(
        silent
          ? {
              kind: 'camera_silent',
              severity: 'error',
              ...about,
              text: `no frame for ${String(seconds)} s`,
              values: { silent_seconds: seconds },
            }
          : { kind: 'camera_back', severity: 'info', ...about, text: 'frames arrive again', values: {} },
      );
    }
    before.isSilent = silent;
    events.push(...lookAtDrops(before, frames, about));
    return events;
  }
}

function lookAtDrops(
  before: CameraBefore,
  { received, drops }: CameraSnapshot['frames'],
  about: Pick<EventBody, 'camera' | 'frames'>,
): EventBody[] {
  const seen = received - before.received;
  if (seen < DROP_WINDOW_FRAMES) return [];
  const dropped = droppedOf(drops) - before.drops;
  const share = Math.round((dropped / seen) * 1000) / 1000;
  const values = { share, received: seen, dropped, ...mostOf(before.reasons, drops) };
  Object.assign(before, { received, drops: droppedOf(drops), reasons: drops });
  const percent = `${String(Math.round(share * 100))} % of the last ${String(seen)} frames were dropped`;
  if (!before.isDropping && share >= MANY_DROPS) {
    before.isDropping = true;
    return [{ kind: 'frames_dropped', severity: 'warning', ...about, text: percent, values }];
  }
  if (before.isDropping && share <= FEW_DROPS) {
    before.isDropping = false;
    return [{ kind: 'frames_pass', severity: 'info', ...about, text: percent, values }];
  }
  return [];
}

/** Drops that nobody asked for. */
function droppedOf(drops: CameraSnapshot['frames']['drops']): number {
  return Object.entries(drops)
    .filter(([reason]) => !REQUESTED_DROPS.has(reason as DropReason))
    .reduce((sum, [, count]) => sum + count, 0);
}

/** The reason of most drops since then. */
function mostOf(
  before: CameraSnapshot['frames']['drops'],
  now: CameraSnapshot['frames']['drops'],
): { readonly reason?: string } {
  let most = 0;
  let reason: string | undefined;
  for (const [name, count] of Object.entries(now) as [DropReason, number][]) {
    const more = count - (before[name] ?? 0);
    if (more <= most || REQUESTED_DROPS.has(name)) continue;
    most = more;
    reason = name;
  }
  return reason === undefined ? {} : { reason };
}

const MAX_TEXT = 500;

function bounded(text: string): string {
  return text.length <= MAX_TEXT ? text : `${cutText(text, MAX_TEXT - 3)}...`;
}

/** The event of a disk that takes no telemetry, or takes it again. */
export function outboxEvent(trouble: string | null): EventBody {
  return trouble === null
    ? { kind: 'outbox_back', severity: 'info', text: 'telemetry is kept on the disk again', values: {} }
    : { kind: 'outbox_trouble', severity: 'error', text: bounded(trouble), values: {} };
}
