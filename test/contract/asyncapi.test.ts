import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { payloadSchemaOf } from '../../src/contract/telemetry/payloads.ts';
import { telemetryClientId } from '../../src/contract/telemetry/speaker.ts';
import { STREAM_NAMES, streamRow, type Stream } from '../../src/contract/telemetry/streams.ts';
import { telemetryTopic, TELEMETRY_VERSION, topicPattern } from '../../src/contract/telemetry/topics.ts';
import { payloadJsonSchema } from './payloads/json-schema.ts';

const DOCS = join(import.meta.dirname, '../../docs');

/** One entry per stream, by name. */
const byStream = (entry: (stream: Stream) => [string, object]): object =>
  Object.fromEntries(STREAM_NAMES.map(entry));

const ACTIONS = { 'device-to-fleet': 'send', 'fleet-to-device': 'receive' } as const;

/** What is in a message: JSON, or a compressed list of messages. */
function contentOf(stream: Stream): object {
  const { contentType } = streamRow(stream);
  const schema = payloadJsonSchema(stream);
  if (contentType === undefined) return { payload: schema };
  const contentSchema = schema;
  return { contentType, payload: { type: 'string', format: 'binary', contentSchema } };
}

/** What a consumer needs to know beyond the schemas. */
const DESCRIPTION = [
  'Messages of a robot to its fleet. JSON over MQTT 5 or 3.1.1, QoS 1.',
  'serialNumber, node, stream, bootId and headerId identify a message: it may come again, with the same content.',
  'A message with firstHeaderId stands for all numbers from there to headerId.',
  'Each payload in a history message, Zstandard of a JSON list, is a message as it would have come on the channel of ' +
    'its stream.',
  'Within the version of the topics, streams and fields are only added: ignore those that you do not know.',
  'A robot keeps its messages, other than those of connection and clip-chunk, until an ack names their stream, ' +
    'bootId and numbers.',
].join(' ');

/** The AsyncAPI 3 document generated from the table of streams. */
function asyncApi(): object {
  const parameters = {
    site: { description: 'where the robot works' },
    robot: { description: 'the serialNumber of its messages' },
    node: { description: 'the detector on the robot, of which there may be several' },
  };
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Goshawk telemetry',
      version: TELEMETRY_VERSION,
      description: DESCRIPTION,
      license: { name: 'Apache-2.0' },
    },
    defaultContentType: 'application/json',
    channels: byStream((stream) => [
      stream,
      {
        address: topicPattern(stream),
        parameters,
        messages: { [stream]: { $ref: `#/components/messages/${stream}` } },
      },
    ]),
    operations: byStream((stream) => {
      const { direction, qos, retained } = streamRow(stream);
      const action = ACTIONS[direction];
      const channel = { $ref: `#/channels/${stream}` };
      return [`${action}-${stream}`, { action, channel, bindings: { mqtt: { qos, retain: retained } } }];
    }),
    components: {
      messages: byStream((stream) => [stream, { summary: streamRow(stream).summary, ...contentOf(stream) }]),
    },
  };
}

/** The document with the table of streams between its marks in docs/telemetry.md. */
function withTable(document: string): string {
  const rows = STREAM_NAMES.map((stream) => {
    const { qos, retained, when, content } = streamRow(stream);
    return `| \`${topicPattern(stream)}\` | ${String(qos)}${retained ? ', retained' : ''} | ${when} | ${content} |`;
  });
  const table = ['| topic | QoS | when | payload |', '|---|---|---|---|', ...rows].join('\n');
  return document.replace(
    /(<!-- streams -->\n)[\s\S]*?(\n<!-- end -->)/,
    (_all, begin: string, end: string) => [begin, table, end].join(''),
  );
}

describe('documents of the streams', () => {
  it('keeps the AsyncAPI document equal to the table of streams (npm run generate rewrites it)', async () => {
    const text = `${JSON.stringify(asyncApi(), null, 2)}\n`;
    await expect(text).toMatchFileSnapshot(join(DOCS, 'asyncapi.json'));
  });

  it('lists every stream in docs/telemetry.md (npm run generate rewrites the table)', async () => {
    const file = join(DOCS, 'telemetry.md');
    const document = readFileSync(file, 'utf8');
    expect(document).toContain('<!-- streams -->');
    await expect(withTable(document)).toMatchFileSnapshot(file);
  });
});

const SPEAKER = { site: 'yard', robot: 'r7', node: 'goshawk-detector' };

describe('topics and client ids', () => {
  it('builds topics in the form that the document states', () => {
    for (const stream of STREAM_NAMES)
      expect(telemetryTopic(SPEAKER, stream)).toBe(`fleet/v1/yard/r7/goshawk-detector/${stream}`);
    expect(() => telemetryTopic({ ...SPEAKER, site: 'yard/+' }, 'state')).toThrow();
    expect(() => telemetryTopic({ ...SPEAKER, robot: '#' }, 'state')).toThrow();
    expect(() => telemetryTopic({ ...SPEAKER, node: '/goshawk/detector' }, 'state')).toThrow();
  });

  it('builds different client ids for different sites, robots or nodes', () => {
    expect(telemetryClientId(SPEAKER)).toBe('goshawk:yard:r7:goshawk-detector');
    const moved = { site: 'yard-r7', robot: 'goshawk', node: 'detector' };
    expect(telemetryClientId(moved)).not.toBe(
      telemetryClientId({ ...moved, site: 'yard', robot: 'r7-goshawk' }),
    );
  });
});

describe('what a reader accepts', () => {
  const header = {
    headerId: 3,
    timestamp: '2026-01-01T00:00:00.000Z',
    version: '1.9.0',
    manufacturer: 'Goshawk',
    serialNumber: 'r7',
    node: 'detector',
    bootId: '6f9619ff-8b86-4d01-b42d-00cf4fc964ff',
  };
  const gap = { stream: 'drift', lostBootId: header.bootId, ranges: [[0, 2]], reason: 'something_new' };

  it('is streams, reasons and fields that it does not know, since they are added within a version', () => {
    const { success } = payloadSchemaOf('gap').safeParse({ ...header, ...gap, more: { than: 'today' } });
    expect(success).toBe(true);
  });

  it('is no range that runs backwards, no text that is no name, and no flood of ranges', () => {
    const wrong = [
      { ...gap, ranges: [[2, 0]] },
      { ...gap, ranges: [] },
      { ...gap, ranges: Array.from({ length: 1001 }, (_, i) => [2 * i, 2 * i]) },
      { ...gap, ranges: [[-1, 0]] },
      { ...gap, ranges: [[0, 1.5]] },
      { ...gap, stream: 'a b' },
      { ...gap, reason: '<script>' },
      { ...gap, lostBootId: 'r7' },
    ];
    for (const body of wrong)
      expect(payloadSchemaOf('gap').safeParse({ ...header, ...body }).success).toBe(false);
  });
});
