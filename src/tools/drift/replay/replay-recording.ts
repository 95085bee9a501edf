import { describeError, GoshawkError } from '../../../contract/errors.ts';
import type { ReplayedRecording } from '../../../contract/drift/replay.ts';
import type { FeedFrame } from '../../../device/camera/feed.ts';
import { RecordingFeed } from '../../../device/camera/recording-feed.ts';
import type { RefusalReason } from '../../../core/refusal.ts';
import {
  ReplaySession,
  type RecordedFrame,
  type ReplayResult,
  type ReplaySettings,
} from './replay-session.ts';

const NOTHING: ReplayResult = {
  frames: { received: 0, published: 0, drops: {} },
  clockSteps: 0,
  changes: [],
  worst: null,
  windows: [],
  problem: null,
};

/** Notices and unreadable images of a feed; those before the first readable image wait for the session. */
class FeedLog {
  readonly notices: string[] = [];
  /** the rest cannot be read */
  isEnded = false;
  readonly #refused: RefusalReason[] = [];

  readonly events = {
    onUnreadable: (reason: RefusalReason): void => void this.#refused.push(reason),
    onNotice: (message: string): void => void this.notices.push(message),
  };

  end(error: unknown): void {
    this.isEnded = true;
    this.notices.push(describeError(error));
  }

  /** Passes the unreadable images on since the last call. */
  pass(session: ReplaySession): void {
    for (const reason of this.#refused.splice(0)) session.refuse(reason);
  }
}

/**
 * Plays one recording through the frame path and the drift part, and says what a robot would have said. A recording
 * that cannot be played is a result, too.
 * @param topic empty: one in color
 * @throws GoshawkError for a bundle or a reference that cannot be used, and the reason of the signal
 */
export async function replayRecording(
  file: string,
  topic: string,
  settings: ReplaySettings,
): Promise<ReplayedRecording> {
  const feed = new RecordingFeed({ path: file, loop: false, ...(topic === '' ? {} : { topic }) });
  const log = new FeedLog();
  const times = { first: 0, last: 0 };
  try {
    const first = await firstFrame(feed, log);
    if (first instanceof GoshawkError) return unusable(file, settings.camera, feed, log, first);
    times.first = first.recorded.arrivedMs;
    const result = await playAll(feed, log, first, settings, (arrivedMs) => {
      times.last = Math.max(times.first, arrivedMs);
    });
    return {
      file,
      camera: settings.camera,
      outcome: feed.isWhole && !log.isEnded ? 'complete' : 'incomplete',
      notices: log.notices,
      recordedSeconds: (times.last - times.first) / 1000,
      unreadable: feed.unreadable,
      ...result,
      problem: result.problem ?? unjudged(feed, result, settings),
    };
  } finally {
    await feed.close();
  }
}

/** The first frame, or why there is none. */
async function firstFrame(feed: RecordingFeed, log: FeedLog): Promise<RecordedFrame | GoshawkError> {
  try {
    await feed.open(log.events);
    const frame = await feed.next();
    if (isRecorded(frame)) return frame;
    return new GoshawkError('GOSHAWK_CAMERA_UNUSABLE', {
      camera: feed.description,
      reason: 'it has no frames',
    });
  } catch (error) {
    if (error instanceof GoshawkError) return error;
    throw error;
  }
}

async function playAll(
  feed: RecordingFeed,
  log: FeedLog,
  first: RecordedFrame,
  settings: ReplaySettings,
  onFrame: (arrivedMs: number) => void,
): Promise<ReplayResult> {
  const session = new ReplaySession(settings, first.recorded.arrivedMs);
  try {
    await session.start();
    for (let frame: RecordedFrame | null = first; frame !== null;) {
      log.pass(session);
      onFrame(frame.recorded.arrivedMs);
      const next = nextOf(feed, log);
      await session.play(frame);
      frame = await next;
    }
    log.pass(session);
    return session.finish();
  } finally {
    await session.close();
  }
}

/** Null at the end, and where the rest cannot be read. */
async function nextOf(feed: RecordingFeed, log: FeedLog): Promise<RecordedFrame | null> {
  try {
    const frame = await feed.next();
    return isRecorded(frame) ? frame : null;
  } catch (error) {
    log.end(error);
    return null;
  }
}

function isRecorded(frame: FeedFrame | undefined): frame is RecordedFrame {
  return frame?.recorded !== undefined;
}

/** With a reference, a recording whose frames were all dropped is no recording without drift. */
function unjudged(
  { description: camera }: RecordingFeed,
  { worst }: ReplayResult,
  { reference }: ReplaySettings,
): ReplayResult['problem'] {
  if (reference === '' || worst !== null) return null;
  const details = { camera, reason: 'no frame of it was judged' };
  const { code, message: reason } = new GoshawkError('GOSHAWK_CAMERA_UNUSABLE', details);
  return { code, reason };
}

function unusable(
  file: string,
  camera: string,
  { unreadable }: RecordingFeed,
  { notices }: FeedLog,
  { code, message: reason }: GoshawkError,
): ReplayedRecording {
  return {
    ...NOTHING,
    file,
    camera,
    outcome: 'unusable',
    notices,
    recordedSeconds: 0,
    unreadable,
    problem: { code, reason },
  };
}
