import { PAYLOAD_VERSION } from '../../contract/telemetry/header.ts';
import { LATENCY_EDGES_MS } from '../../contract/telemetry/shapes.ts';
import type { Speaker } from '../../contract/telemetry/speaker.ts';
import type { StoredStream, StreamBody } from '../../contract/telemetry/streams.ts';
import { telemetryTopic } from '../../contract/telemetry/topics.ts';
import type { Random } from '../../core/random.ts';
import { publishPacket } from './packets.ts';

/** Of a number that is written into a payload: JSON allows spaces before it. */
const NUMBER_WIDTH = 10;
const BEFORE_NUMBER = '{"headerId":';
const BEFORE_TIME = ',"timestamp":"';

const BUNDLE = {
  name: 'goshawk-street',
  version: '4.0.0',
  digest: 'sha256:0d5e3c1f6a7b8c9d0e1f2a3b4c5d6e7f8091a2b3c4d5e6f708192a3b4c5d6e7f',
  variant: 'int8',
  provider: 'cpu',
};

/** Streams of simulated robots, in the order in which one sends them; as real ones do, every 10 s each. */
export const LOAD_STREAMS = ['metrics', 'state'] as const satisfies readonly StoredStream[];

type LoadStream = (typeof LOAD_STREAMS)[number];

/** What a robot with one camera reports of 10 seconds at 30 frames per second. */
export function simulatedMetrics(random: Random, endMs: number): StreamBody<'metrics'> {
  const counts = [...LATENCY_EDGES_MS.map(() => 0), 0];
  for (let frame = 0; frame < 299; frame += 1) {
    const at = 5 + random.int(0, 9);
    counts[at] = (counts[at] ?? 0) + 1;
  }
  return {
    window: { start: new Date(endMs - 10_000).toISOString(), end: new Date(endMs).toISOString() },
    bundle: BUNDLE,
    cameras: [
      {
        camera: '/front/image_raw',
        received: 300,
        published: 299,
        drops: { superseded: 1 },
        inFlight: 0,
        fps: { in: 30, out: 29.9 },
        latency: { edgesMs: [...LATENCY_EDGES_MS], counts, sumMs: random.range(4_000, 6_000) },
      },
    ],
    process: { residentBytes: random.int(280e6, 320e6), eventLoopDelayP99Ms: random.range(10, 12) },
    host: hostOf(random),
  };
}

function hostOf(random: Random): StreamBody<'state'>['host'] {
  return {
    cpuRatio: random.range(0.3, 0.7),
    memoryUsedBytes: random.int(2e9, 3e9),
    memoryTotalBytes: 8_203_677_696,
    temperatureCelsius: { 'cpu-thermal': random.range(50, 70) },
    diskFreeBytes: random.int(4e9, 5e9),
    diskTotalBytes: 62_725_623_808,
    linkSentBytes: random.int(0, 1e9),
  };
}

/** What it reports of itself. */
export function simulatedState(random: Random): StreamBody<'state'> {
  return {
    uptimeSeconds: random.int(0, 1e6),
    lifecycle: 'active',
    bundle: BUNDLE,
    tags: { customer: `customer-${random.int(1, 40)}`, model: `mk${random.int(1, 4)}` },
    cameras: [
      { camera: '/front/image_raw', silentSeconds: 0.03, framesReceived: 30_000, framesPublished: 29_900 },
    ],
    host: hostOf(random),
  };
}

/** Who sends, in one boot. */
export interface Origin extends Speaker {
  readonly bootId: string;
}

/** The packet of a stream's messages: only number, time and packet id differ. */
export interface Template {
  readonly stream: LoadStream;
  readonly packet: Buffer;
  readonly idAt: number;
  readonly payloadBytes: number;
  /** Writes what differs into a copy of the packet that begins at `at`. */
  patch(copy: Buffer, at: number, headerId: number, timestamp: string): void;
}

/** Number and time of a payload made from a template. */
export function numberOf(payload: Buffer): number {
  return Number(payload.toString('latin1', BEFORE_NUMBER.length, BEFORE_NUMBER.length + NUMBER_WIDTH));
}

/** What the header of each of its messages says of the sender. */
export function senderOf({ robot, node, bootId }: Origin): object {
  return {
    version: PAYLOAD_VERSION,
    manufacturer: 'Goshawk',
    serialNumber: robot,
    node,
    bootId,
    bootCount: 0,
  };
}

/** The packet of all messages of one stream of a robot. */
export function makeTemplate(origin: Origin, stream: LoadStream, body: object): Template {
  const rest = JSON.stringify({ ...senderOf(origin), ...body }).slice(1);
  const time = new Date(0).toISOString();
  const payload = Buffer.from(`${BEFORE_NUMBER}${'0'.padStart(NUMBER_WIDTH)}${BEFORE_TIME}${time}",${rest}`);
  const { bytes: packet, idAt, payloadAt } = publishPacket(telemetryTopic(origin, stream), payload);
  const numberAt = payloadAt + BEFORE_NUMBER.length;
  const timeAt = numberAt + NUMBER_WIDTH + BEFORE_TIME.length;
  return {
    stream,
    packet,
    idAt,
    payloadBytes: payload.length,
    patch: (copy, at, headerId, timestamp) => {
      copy.write(String(headerId).padStart(NUMBER_WIDTH), at + numberAt, 'latin1');
      copy.write(timestamp, at + timeAt, 'latin1');
    },
  };
}

/** The payload of a message, as it is published. */
export function payloadFrom(template: Template, headerId: number, timestamp: string): string {
  const copy = Buffer.from(template.packet);
  template.patch(copy, 0, headerId, timestamp);
  return copy.toString('utf8', copy.length - template.payloadBytes);
}
