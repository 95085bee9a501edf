import { z } from 'zod';
import { driftReplaySchema, type DriftReplayReport } from '../../../contract/drift/replay.ts';
import { GoshawkError } from '../../../contract/errors.ts';
import { robotDriftSchema } from '../../../contract/fleet/drift.ts';
import { tryParseJson } from '../../../contract/json.ts';
import { driftBodySchema } from '../../../contract/telemetry/drift.ts';
import { headerShape } from '../../../contract/telemetry/header.ts';
import type { StreamBody } from '../../../contract/telemetry/streams.ts';
import type { WindowVerdict } from '../../../core/drift/window-verdict.ts';

type DriftBody = StreamBody<'drift'>;

/** A state that a camera entered. */
export interface StateChange {
  readonly camera: string;
  readonly verdict: WindowVerdict;
}

/** Drift windows of a period, from whatever they were read. */
export interface DriftHistory {
  /** oldest first */
  readonly windows: readonly DriftBody[];
  /** oldest first; known exactly for recordings, and otherwise to a window */
  readonly changes: readonly StateChange[];
  /** what was left out, in words */
  readonly notes: readonly string[];
}

/** A line of `telemetry tail`: the stream, and its message. */
const LINE = /^(?:([a-z-]+) )?(\{.*\})$/s;

const { serialNumber, bootId, headerId, node } = headerShape;
const messageSchema = driftBodySchema.extend(
  z.object({ serialNumber, bootId, headerId, node }).partial().shape,
);
type Message = z.infer<typeof messageSchema>;

/**
 * Reads what `goshawk telemetry tail` prints, drift messages one a line, what the fleet has of a robot
 * (`robotDriftSchema`), or a report of `goshawk drift replay`.
 * Messages of other streams are ignored, a message that is there twice counts once, and lines that are no messages are
 * counted.
 * @param robot whose windows; undefined if the file has one robot alone
 * @throws GoshawkError GOSHAWK_FILE_INVALID without a drift window, or with several robots and none chosen
 */
export function readDriftHistory(file: string, text: string, robot?: string): DriftHistory {
  const whole = text.startsWith('{') ? tryParseJson(text) : null;
  const { data: replay } = driftReplaySchema.safeParse(whole);
  if (replay !== undefined) return historyOfReplay(replay);
  const { data: answer } = robotDriftSchema.safeParse(whole);
  const { messages, unknown, repeated } = readMessages(answer?.windows ?? messagesOf(text));
  const own = messages.filter(({ serialNumber: name }) => robot === undefined || name === robot);
  const robots = new Set(own.flatMap(({ serialNumber: name }) => name ?? []));
  if (robots.size > 1)
    throw invalid(
      file,
      `it has windows of several robots (${[...robots].slice(0, 10).join(', ')}): choose one`,
    );
  if (own.length === 0) throw invalid(file, 'it has no drift window of this robot');
  return historyOf(own, [
    ...(unknown > 0 ? [`${unknown} lines are not messages`] : []),
    ...(repeated > 0 ? [`${repeated} messages are there twice, and count once`] : []),
  ]);
}

function invalid(file: string, reason: string): GoshawkError {
  return new GoshawkError('GOSHAWK_FILE_INVALID', { file, reason });
}

/** What lines have of drift; whatever cannot be read is undefined. */
function messagesOf(text: string): unknown[] {
  return text.split(/\r?\n/).flatMap((line) => {
    if (line.trim() === '') return [];
    const [, stream = 'drift', json] = LINE.exec(line.trim()) ?? [];
    return json !== undefined && stream !== 'drift' ? [] : [tryParseJson(json ?? '')];
  });
}

function readMessages(candidates: readonly unknown[]) {
  const messages = new Map<string, Message>();
  let [unknown, repeated] = [0, 0];
  for (const candidate of candidates) {
    const { data } = messageSchema.safeParse(candidate);
    if (data === undefined) {
      unknown += 1;
      continue;
    }
    const key = keyOf(data);
    if (messages.has(key)) repeated += 1;
    messages.set(key, data);
  }
  return { messages: [...messages.values()], unknown, repeated };
}

/** Messages travel at least once; without a header, the same content is the same message. */
function keyOf(message: Message): string {
  const { serialNumber: robot, node: detector, bootId: boot, headerId: number } = message;
  return number === undefined ? JSON.stringify(message) : JSON.stringify([robot, detector, boot, number]);
}

/** @param windows in any order */
export function historyOf(windows: readonly DriftBody[], notes: readonly string[]): DriftHistory {
  const sorted = windows.toSorted((a, b) => Date.parse(a.window.start) - Date.parse(b.window.start));
  return { windows: sorted, changes: changesIn(sorted), notes };
}

/** The first verdict of each camera, and those with another state than the one before. */
function changesIn(windows: readonly DriftBody[]): StateChange[] {
  const states = new Map<string, WindowVerdict['state']>();
  return windows.flatMap(({ cameras }) =>
    cameras.flatMap(({ camera, verdict }): StateChange[] => {
      if (verdict === undefined || states.get(camera) === verdict.state) return [];
      const isFirstOk = !states.has(camera) && verdict.state === 'ok';
      states.set(camera, verdict.state);
      return isFirstOk ? [] : [{ camera, verdict }];
    }),
  );
}

/** Recordings follow each other by their times; each is a camera of its own if there are several. */
export function historyOfReplay({ recordings }: DriftReplayReport): DriftHistory {
  const nameOf = (camera: string, file: string): string =>
    recordings.length === 1 ? camera : `${camera}, ${file}`;
  const windows = recordings.flatMap(({ camera, file, windows: own }) =>
    own.map((body) => ({
      ...body,
      cameras: body.cameras.map((one) => ({ ...one, camera: nameOf(camera, file) })),
    })),
  );
  const notes = recordings.flatMap(({ file, outcome, problem, notices }) => [
    ...(outcome === 'complete' ? [] : [`${file} is ${outcome}`]),
    ...notices,
    ...(problem === null ? [] : [`${file}: ${problem.reason}`]),
  ]);
  const changes = recordings.flatMap(({ camera, file, changes: own }) =>
    own.map(({ verdict }) => ({ camera: nameOf(camera, file), verdict })),
  );
  return { ...historyOf(windows, notes), changes };
}

/** The part of a history that overlaps a period. @param from, to milliseconds since the epoch */
export function between(history: DriftHistory, from: number, to: number): DriftHistory {
  return {
    windows: history.windows.filter(
      ({ window }) => Date.parse(window.end) > from && Date.parse(window.start) < to,
    ),
    changes: history.changes.filter(
      ({ verdict }) => Date.parse(verdict.at) >= from && Date.parse(verdict.at) <= to,
    ),
    notes: history.notes,
  };
}
