import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { DropReason } from '../../../src/contract/drops.ts';
import type { MessageHeader } from '../../../src/core/cdr/header.ts';
import { encodeCompressedImage, encodeImage, type ImageFields } from '../../../src/core/cdr/messages.ts';
import { CdrWriter } from '../../../src/core/cdr/writer.ts';
import { PIXEL_ENCODINGS } from '../../../src/core/image/image-view.ts';
import { createRandom, type Random } from '../../../src/core/random.ts';
import type { DecodeLimits, InferenceInput, InferenceOutcome } from '../../../src/device/inference/engine.ts';
import { encodeJpeg, encodePng } from '../../../src/device/imaging/encode-image.ts';
import { EnvelopeMaker } from '../../../src/device/pipeline/frame/envelope.ts';
import type { FrameCounts } from '../../../src/device/pipeline/statistics/ledger.ts';
import { FramePipeline } from '../../../src/device/pipeline/pipeline.ts';
import { CameraInput } from '../../../src/ros/detector/camera-input.ts';
import { RateLimit } from '../../../src/ros/detector/rate-limit.ts';
import { FakeClock, FakeEngine, MANIFEST, rawImage, turns } from '../../device/pipeline/fakes.ts';

/** The same messages on every run; a failure names the seed and the message, from which it can be reproduced. */
const SEED = 20_260_118;
const RAW_MESSAGES = 11_000;
const COMPRESSED_MESSAGES = 1000;
/** a stamp further from the clock than this is refused */
const STAMP_MS = 5000;

const ENCAPSULATION_BYTES = 4;
const NASTY = [0, 1, 7, 8191, 8192, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];
const FOREIGN_ENCODINGS = ['bayer_rggb12', '16UC1', 'rgb16', '32FC1', '', 'jpeg', 'RGB', 'rgb8 '];

/** Transfers its inputs, as a worker does: a buffer that is used afterwards is empty. */
class MovingEngine extends FakeEngine {
  override infer(inputs: readonly InferenceInput[], limits: DecodeLimits): Promise<InferenceOutcome> {
    this.seen.length = 0;
    return super.infer(
      inputs.map((input) => ({
        ...input,
        pixels: structuredClone(input.pixels, { transfer: [input.pixels.buffer] }),
      })),
      limits,
    );
  }
}

/** A robot with two raw cameras and a compressed one, and all counts about them. */
class World {
  readonly clock = new FakeClock();
  readonly random: Random;
  readonly pipeline: FramePipeline;
  readonly raw: readonly CameraInput[];
  readonly compressed: CameraInput;
  /** results, counted at the sink */
  published = 0;

  constructor(seed: number) {
    this.random = createRandom(seed);
    const engine = new MovingEngine(2);
    engine.acceptsRaw = true;
    this.pipeline = new FramePipeline({
      engine,
      manifest: MANIFEST,
      cameras: [{ name: 'front', priority: 3 }, { name: 'rear' }, { name: 'web' }],
      tracking: true,
      stamps: { staleMs: STAMP_MS, futureMs: STAMP_MS },
      sinks: [
        {
          name: 'publisher',
          wantsPixels: () => true,
          deliver: () => {
            this.published += 1;
          },
        },
      ],
      clock: this.clock,
    });
    this.raw = [this.#input('front', 'raw'), this.#input('rear', 'raw')];
    this.compressed = this.#input('web', 'compressed');
  }

  async start(): Promise<void> {
    await this.pipeline.start();
    this.pipeline.activate();
  }

  /** The header of a camera with valid stamps. */
  header(): MessageHeader {
    const ms = this.clock.wallMs();
    return {
      stamp: { sec: Math.floor(ms / 1000), nanosec: Math.floor(ms % 1000) * 1_000_000 },
      frameId: 'eye',
    };
  }

  #input(name: string, kind: 'raw' | 'compressed'): CameraInput {
    const envelopes = new EnvelopeMaker(name, { clock: this.clock });
    return new CameraInput(name, kind, this.pipeline, envelopes, new RateLimit(() => this.clock.now));
  }
}

/** The invariant for all cameras together; `expectCameraLaw` checks it per camera, which costs more. */
function expectLaw({ pipeline, published }: World, messages: number): void {
  const counts = pipeline.counts();
  expect(counts.received).toBe(messages);
  expect(counts.published).toBe(published);
  expect(counts.received).toBe(accountedFor(counts));
  expect(counts.inFlight).toBe(pipeline.framesInFlight);
}

function expectCameraLaw(pipeline: FramePipeline): void {
  for (const { frames } of Object.values(pipeline.snapshot().cameras))
    expect(frames.received).toBe(accountedFor(frames));
}

function accountedFor({ published, drops, inFlight }: FrameCounts): number {
  return Object.values(drops).reduce((sum, count) => sum + count, published + inFlight);
}

/** The frames in flight end by themselves, when sharp is done. */
async function untilIdle(pipeline: FramePipeline): Promise<void> {
  while (pipeline.framesInFlight > 0) await turns(1);
}

interface RawMessage {
  header: MessageHeader;
  fields: ImageFields;
  data: Uint8Array;
}

const writer = new CdrWriter();

function write({ header, fields, data }: RawMessage): Uint8Array<ArrayBuffer> {
  return encodeImage(writer, header, fields, data).slice();
}

function honest(random: Random, header: MessageHeader): RawMessage {
  const encoding = random.pick(PIXEL_ENCODINGS);
  const { data, ...fields } = rawImage(
    encoding,
    2 * random.int(1, 40),
    2 * random.int(1, 30),
    2 * random.int(0, 4),
  );
  return { header, fields, data };
}

/** The same message in big-endian CDR: every four-byte number reversed. */
function bigEndian(message: RawMessage): Uint8Array<ArrayBuffer> {
  const bytes = write(message);
  const view = new DataView(bytes.buffer);
  let at = ENCAPSULATION_BYTES;
  const turn = (): number => {
    at = (at + 3) & ~3;
    const value = view.getUint32(at, true);
    view.setUint32(at, value);
    at += 4;
    return value;
  };
  bytes[1] = 0;
  turn();
  turn();
  at += turn();
  turn();
  turn();
  at += turn() + 1;
  turn();
  turn();
  return bytes;
}

function withStamp(message: RawMessage, sec: number, nanosec: number): Uint8Array<ArrayBuffer> {
  return write({ ...message, header: { ...message.header, stamp: { sec, nanosec } } });
}

function withFields(message: RawMessage, fields: Partial<ImageFields>): Uint8Array<ArrayBuffer> {
  return write({ ...message, fields: { ...message.fields, ...fields } });
}

/** Possible faults of a raw image; each gets the same share of the invalid messages. */
const FAULTS: readonly ((message: RawMessage, random: Random) => Uint8Array<ArrayBuffer>)[] = [
  (message, random) => write(message).slice(0, random.int(0, 60)),
  (message, random) => {
    const bytes = write(message);
    return bytes.slice(0, random.int(0, bytes.length - 1));
  },
  (message, random) => {
    const bytes = write(message);
    for (let flips = random.int(1, 8); flips > 0; flips--) {
      const at = random.int(0, Math.min(bytes.length, 70) - 1);
      bytes[at] = bytes[at]! ^ (1 << random.int(0, 7));
    }
    return bytes;
  },
  (message, random) => {
    const bytes = write(message);
    bytes[random.int(0, 1)] = random.int(0, 13);
    return bytes;
  },
  (message, random) => {
    const bytes = write(message);
    const at = random.int(1, Math.floor(Math.min(bytes.length, 80) / 4) - 1) * 4;
    new DataView(bytes.buffer).setUint32(at, NASTY[random.int(0, NASTY.length - 1)]!, random.chance(0.5));
    return bytes;
  },
  (message) => bigEndian(message),
  (message, random) => withFields(message, { width: random.chance(0.5) ? 0 : message.fields.width + 1 }),
  (message, random) => withFields(message, { height: random.chance(0.5) ? 0 : message.fields.height * 2 }),
  (message) => withFields(message, { width: 8192, height: 8192, step: 8192 * 3 }),
  (message, random) =>
    withFields(message, { step: random.pick([0, 1, message.fields.step + 1, 0xffffffff]) }),
  (message, random) => withFields(message, { encoding: random.pick(PIXEL_ENCODINGS) }),
  (message, random) =>
    withFields(message, { encoding: FOREIGN_ENCODINGS[random.int(0, FOREIGN_ENCODINGS.length - 1)]! }),
  (message, random) => withStamp(message, message.header.stamp.sec - random.int(10, 1e9), 0),
  (message, random) => withStamp(message, message.header.stamp.sec + random.int(10, 4e8), 0),
  (message, random) =>
    withStamp(message, message.header.stamp.sec - random.int(0, 3), random.int(0, 999_999_999)),
  (message) => withStamp(message, 0, 0),
  (message, random) => withStamp(message, -random.int(1, 2e9), 5),
  (message, random) => withStamp(message, message.header.stamp.sec, random.int(1e9, 4e9)),
];

const COMPRESSED_FAULTS: readonly ((whole: Uint8Array, random: Random) => Uint8Array)[] = [
  (whole, random) => whole.slice(0, random.int(0, whole.length - 1)),
  (whole, random) => {
    const data = whole.slice();
    for (let i = random.int(1, 40); i > 0; i--) data[random.int(2, data.length - 1)] = random.int(0, 255);
    return data;
  },
  (whole, random) => Uint8Array.from(whole, (byte, at) => (at < 12 ? byte : random.int(0, 255))),
  (_, random) => Uint8Array.from({ length: random.int(0, 400) }, () => random.int(0, 255)),
  () => new TextEncoder().encode('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>'),
  (whole) => {
    // a size of 60000 x 60000 at its place in a PNG; in a JPEG this is a nonsensical application segment
    const data = whole.slice();
    new DataView(data.buffer).setUint32(16, 60_000);
    new DataView(data.buffer).setUint32(20, 60_000);
    return data;
  },
];

describe(`fuzzed messages, seed ${String(SEED)}`, () => {
  const rejections: unknown[] = [];
  const note = (reason: unknown): void => void rejections.push(reason);
  const pictures: { format: string; data: Uint8Array }[] = [];

  beforeAll(async () => {
    process.on('unhandledRejection', note);
    const rgb = rawImage('rgb8', 48, 36).data;
    pictures.push(
      { format: 'jpeg', data: await encodeJpeg(rgb, 48, 36, 80) },
      { format: 'rgb8; png compressed', data: await encodePng(rgb, 48, 36) },
    );
  });

  afterAll(() => {
    process.off('unhandledRejection', note);
  });

  /** Fuzzes all cameras; returns the final counts. */
  async function fuzz(world: World): Promise<FrameCounts> {
    const { random, pipeline, clock } = world;
    let messages = 0;
    const take = (camera: CameraInput, bytes: Uint8Array): void => {
      messages += 1;
      try {
        camera.take(bytes);
        expectLaw(world, messages);
        if (messages % 50 === 0) expectCameraLaw(pipeline);
      } catch (error) {
        const hex = Buffer.from(bytes.subarray(0, 128)).toString('hex');
        throw new Error(`message ${String(messages)} of seed ${String(SEED)}: ${hex}`, { cause: error });
      }
    };
    for (let i = 0; i < RAW_MESSAGES; i++) {
      clock.advance(33);
      const message = honest(random, world.header());
      const fault = random.chance(0.4) ? null : FAULTS[random.int(0, FAULTS.length - 1)]!;
      const bytes = fault === null ? write(message) : fault(message, random);
      const again = random.chance(0.03) ? bytes.slice() : null;
      take(world.raw[i % 2]!, bytes);
      if (again !== null) take(world.raw[i % 2]!, again);
      // sometimes a burst that no engine could keep up with
      if (i % 100 < 80) await untilIdle(pipeline);
    }
    for (let i = 0; i < COMPRESSED_MESSAGES; i++) {
      clock.advance(33);
      const { format, data } = pictures[random.int(0, 1)]!;
      const fault = random.chance(0.2)
        ? null
        : COMPRESSED_FAULTS[random.int(0, COMPRESSED_FAULTS.length - 1)]!;
      const damaged = fault === null ? data : fault(data, random);
      const header = world.header();
      take(world.compressed, encodeCompressedImage(writer, header, format, damaged).slice());
      await untilIdle(pipeline);
    }
    await untilIdle(pipeline);
    // valid frames still pass as if nothing had happened
    const before = pipeline.counts().published;
    for (let i = 0; i < 12; i++) {
      clock.advance(100);
      take(world.raw[0]!, write(honest(random, world.header())));
      await untilIdle(pipeline);
    }
    expect(pipeline.counts().published).toBeGreaterThanOrEqual(before + 10);
    await pipeline.close();
    expectLaw(world, messages);
    expectCameraLaw(pipeline);
    return pipeline.counts();
  }

  it('are each published or counted under a reason', { timeout: 180_000 }, async () => {
    const world = new World(SEED);
    await world.start();
    const { received, published, inFlight, drops } = await fuzz(world);
    expect(received).toBeGreaterThanOrEqual(RAW_MESSAGES + COMPRESSED_MESSAGES);
    expect(inFlight).toBe(0);
    expect(published).toBeGreaterThan(3000);
    const expected: Partial<Record<DropReason, number>> = {
      malformed: 500,
      bad_size: 500,
      unsupported_encoding: 200,
      corrupt_image: 300,
      stamp_repeated: 100,
      stamp_regressed: 100,
      stamp_stale: 300,
      stamp_future: 100,
      superseded: 50,
    };
    for (const [reason, atLeast] of Object.entries(expected))
      expect(drops[reason as DropReason] ?? 0, reason).toBeGreaterThan(atLeast);
    // a message's own fault is never counted against the engine or the pipeline
    expect(Object.keys(drops).sort()).toEqual(Object.keys(expected).sort());
    expect(rejections).toEqual([]);
    expect(rejections).toEqual([]);
  });
});
