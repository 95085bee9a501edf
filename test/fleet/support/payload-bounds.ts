import type { Clip } from '../../../src/contract/clips.ts';
import { MAX_CLIP_BYTES } from '../../../src/contract/clips.ts';
import { CLIP_CHUNK_BYTES, MAX_REQUESTED_BYTES } from '../../../src/contract/telemetry/clips.ts';
import type { StreamBody } from '../../../src/contract/telemetry/streams.ts';
import { CLIP } from '../clips/offered-clip.ts';

/** A bound of a payload: a body that is at it, and one that is beyond. */
export interface Bound<Body> {
  readonly at: Body;
  readonly beyond: object;
}

type Window = StreamBody<'drift'>;
type Camera = Window['cameras'][number];
type Verdict = NonNullable<Camera['verdict']>;

const MOST = Number.MAX_SAFE_INTEGER;
const AT = '2026-01-01T10:00:59.000Z';
const text = (length: number): string => 'x'.repeat(length);
const list = <T>(length: number, item: T): T[] => Array.from({ length }, () => item);
const counts = (sum: number, first: number, bins: readonly number[]) => ({ sum, first, counts: [...bins] });

const CAMERA: Camera = {
  camera: 'front',
  ...{ frames: 1, inGraph: 1, unmeasured: 0, late: 0, duplicate: 0 },
  features: { brightness: counts(120_000, 3, [1]) },
  classes: { person: 2 },
  agreement: null,
};
const SHIFT: Verdict['features'][number] = {
  feature: 'brightness',
  ...{ share: 1, now: 0.1, reference: 0.5, sigmas: -8, wasserstein: 8, psi: 3 },
};
const VERDICT: Verdict = {
  ...{ at: AT, state: 'drifted', evidence: 1, since: AT, context: 'day', features: [SHIFT] },
  cause: { name: 'dark', words: 'darker', evidence: ['brightness'] },
};
const ACCURACY: NonNullable<Camera['accuracy']> = {
  ...{
    at: AT,
    state: 'worse',
    share: 0.5,
    low: 0.4,
    high: 0.6,
    frames: 250,
    baseline: 'camera',
    reason: null,
  },
};
const LABELED: NonNullable<Camera['labeled']> = { at: AT, frames: 300, objects: 900, ap: 0.3, ap50: 0.5 };

const window = (cameras: readonly object[]): Window => ({
  window: { start: '2026-01-01T10:00:00.000Z', end: '2026-01-01T10:01:00.000Z' },
  bundle: null,
  table: 1,
  cameras: cameras as Camera[],
});
const camera = (at: Partial<Camera>, beyond: object): Bound<Window> => ({
  at: window([{ ...CAMERA, ...at }]),
  beyond: window([{ ...CAMERA, ...beyond }]),
});
const verdict = (at: Partial<Verdict>, beyond: object): Bound<Window> =>
  camera({ verdict: { ...VERDICT, ...at } }, { verdict: { ...VERDICT, ...beyond } });
const shift = (at: object, beyond: object): Bound<Window> =>
  verdict({ features: [{ ...SHIFT, ...at }] }, { features: [{ ...SHIFT, ...beyond }] });
const cause = (at: object, beyond: object): Bound<Window> =>
  verdict({ cause: { ...VERDICT.cause!, ...at } }, { cause: { ...VERDICT.cause!, ...beyond } });
const accuracy = (at: object, beyond: object): Bound<Window> =>
  camera({ accuracy: { ...ACCURACY, ...at } }, { accuracy: { ...ACCURACY, ...beyond } });
const labeled = (at: object, beyond: object): Bound<Window> =>
  camera({ labeled: { ...LABELED, ...at } }, { labeled: { ...LABELED, ...beyond } });
const feature = (at: ReturnType<typeof counts>, beyond: ReturnType<typeof counts>): Bound<Window> =>
  camera({ features: { brightness: at } }, { features: { brightness: beyond } });
const agreement = (sum: number): Camera['agreement'] => ({
  consistency: { sum, n: sum },
  reliability: { reliable: sum, total: sum },
  score: { sum, n: sum },
});

/** Every bound of a drift window. */
export const DRIFT_BOUNDS: Readonly<Record<string, Bound<Window>>> = {
  cameras: { at: window(list(256, CAMERA)), beyond: window(list(257, CAMERA)) },
  'version of the table': { at: window([]), beyond: { ...window([]), table: 0 } },
  'name of a camera': camera({ camera: text(256) }, { camera: text(257) }),
  'count of frames': camera({ frames: MOST }, { frames: MOST + 1 }),
  'count below 0': camera({ unmeasured: 0 }, { unmeasured: -1 }),
  'part of a frame': camera({ late: 1 }, { late: 1.5 }),
  'name of a feature': camera(
    { features: { [text(64)]: counts(1, 0, [1]) } },
    { features: { [text(65)]: counts(1, 0, [1]) } },
  ),
  'sum of a feature': feature(counts(MOST, 0, [1]), counts(MOST + 1, 0, [1])),
  'first bin': feature(counts(1, 255, [1]), counts(1, 256, [1])),
  bins: feature(counts(1, 0, list(256, 1)), counts(1, 0, list(257, 1))),
  'no bins': feature(counts(1, 0, [0]), counts(1, 0, [])),
  label: camera({ classes: { [text(256)]: 1 } }, { classes: { [text(257)]: 1 } }),
  'boxes of a class': camera({ classes: { car: MOST } }, { classes: { car: MOST + 1 } }),
  'sums of suppression': camera({ agreement: agreement(MOST) }, { agreement: agreement(MOST + 1) }),
  'sums below 0': camera({ agreement: agreement(0) }, { agreement: agreement(-1) }),
  evidence: verdict({ evidence: 0 }, { evidence: -0.1 }),
  'most evidence': verdict({ evidence: 1e9 }, { evidence: 1.1e9 }),
  'state of drift': verdict({ state: 'recovering' }, { state: 'worse' }),
  'name of a context': verdict({ context: text(64) }, { context: text(65) }),
  'features of a verdict': verdict({ features: list(8, SHIFT) }, { features: list(9, SHIFT) }),
  'share of the evidence': shift({ share: 1 }, { share: 1.01 }),
  'distance below 0': shift({ wasserstein: 0 }, { wasserstein: -1 }),
  'stability below 0': shift({ psi: 0 }, { psi: -1 }),
  'words of a cause': cause({ words: text(200) }, { words: text(201) }),
  'pieces of evidence': cause({ evidence: list(8, 'e') }, { evidence: list(9, 'e') }),
  'words of evidence': cause({ evidence: [text(200)] }, { evidence: [text(201)] }),
  'share of AP': accuracy({ share: 1 }, { share: 1.01 }),
  'interval below 0': accuracy({ low: 0 }, { low: -0.01 }),
  'reason without an estimate': accuracy({ reason: text(300) }, { reason: text(301) }),
  'labeled AP': labeled({ ap: 1 }, { ap: 1.01 }),
  'labeled objects': labeled({ objects: MOST }, { objects: MOST + 1 }),
};

const clip = (at: Partial<Clip>, beyond: object): Bound<Clip> => ({
  at: { ...CLIP, ...at },
  beyond: { ...CLIP, ...beyond },
});

/** Every bound of an offer of a clip. */
export const CLIP_BOUNDS: Readonly<Record<string, Bound<Clip>>> = {
  'name of a clip': clip({ clip: text(80) }, { clip: text(81) }),
  'a path for a name': clip({ clip: 'a-b_c' }, { clip: 'a/b' }),
  'name of a reason': clip({ reason: text(64) }, { reason: text(65) }),
  words: clip({ text: text(500) }, { text: text(501) }),
  cameras: clip({ cameras: list(256, 'front') }, { cameras: list(257, 'front') }),
  'no camera': clip({ cameras: ['front'] }, { cameras: [] }),
  'name of a camera': clip({ cameras: [text(256)] }, { cameras: [text(257)] }),
  frames: clip({ frames: MOST }, { frames: MOST + 1 }),
  'frames below 0': clip({ missed: 0 }, { missed: -1 }),
  bytes: clip({ bytes: MAX_CLIP_BYTES }, { bytes: MAX_CLIP_BYTES + 1 }),
  digest: clip({ sha256: 'a'.repeat(64) }, { sha256: 'a'.repeat(65) }),
};

const REQUEST: StreamBody<'clip-request'> = {
  ...{ request: '0f8fad5b-d9cb-469f-a165-70867728950e', clip: CLIP.clip, offset: 0, maxBytes: 1 },
};
const url = (length: number): string => `https://storage.example/${text(length - 24)}`;
const request = (at: object, beyond: object): Bound<StreamBody<'clip-request'>> => ({
  at: { ...REQUEST, ...at },
  beyond: { ...REQUEST, ...beyond },
});

/** Every bound of what the fleet asks a robot for. */
export const REQUEST_BOUNDS: Readonly<Record<string, Bound<StreamBody<'clip-request'>>>> = {
  'name of a clip': request({ clip: text(256) }, { clip: text(257) }),
  offset: request({ offset: MAX_CLIP_BYTES }, { offset: MAX_CLIP_BYTES + 1 }),
  'offset below 0': request({ offset: 0 }, { offset: -1 }),
  bytes: request({ maxBytes: MAX_REQUESTED_BYTES }, { maxBytes: MAX_REQUESTED_BYTES + 1 }),
  'no bytes': request({ maxBytes: 1 }, { maxBytes: 0 }),
  URL: request({ putUrl: url(4096) }, { putUrl: url(4097) }),
};

const CHUNK: StreamBody<'clip-chunk'> = {
  ...{ request: REQUEST.request, clip: CLIP.clip, offset: 0, total: CLIP.bytes, data: '', isLast: false },
};
const chunk = (at: object, beyond: object): Bound<StreamBody<'clip-chunk'>> => ({
  at: { ...CHUNK, ...at },
  beyond: { ...CHUNK, ...beyond },
});
const data = (bytes: number): string => Buffer.alloc(bytes).toString('base64');
const refused = (code: number, reason: number): object => ({
  refused: { code: text(code), reason: text(reason) },
});

/** Every bound of a piece of a clip. */
export const CHUNK_BOUNDS: Readonly<Record<string, Bound<StreamBody<'clip-chunk'>>>> = {
  'name of a clip': chunk({ clip: text(256) }, { clip: text(257) }),
  offset: chunk({ offset: MAX_CLIP_BYTES }, { offset: MAX_CLIP_BYTES + 1 }),
  total: chunk({ total: MAX_CLIP_BYTES }, { total: MAX_CLIP_BYTES + 1 }),
  'total below 0': chunk({ total: 0 }, { total: -1 }),
  data: chunk({ data: data(CLIP_CHUNK_BYTES) }, { data: data(CLIP_CHUNK_BYTES + 3) }),
  'code of a refusal': chunk(refused(64, 0), refused(65, 0)),
  'words of a refusal': chunk(refused(0, 500), refused(0, 501)),
};
