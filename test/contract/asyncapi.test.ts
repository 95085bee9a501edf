import { join } from 'node:path';
import { expect, it } from 'vitest';
import { z } from 'zod';
import {
  connectionSchema,
  metricsSchema,
  stateSchema,
  STREAMS,
  telemetryTopic,
  TELEMETRY_VERSION,
} from '../../src/contract/telemetry.ts';

const DOCUMENT = join(import.meta.dirname, '../../docs/asyncapi.json');

const MESSAGES = {
  connection: {
    schema: connectionSchema,
    summary: 'ONLINE and OFFLINE by the robot, CONNECTION_BROKEN as its will; retained',
  },
  state: { schema: stateSchema, summary: 'What the robot is doing, every 10 s' },
  metrics: { schema: metricsSchema, summary: 'What happened in a window of 10 s' },
} as const;

/** The AsyncAPI 3 document that follows from the schemas. */
function asyncApi(): object {
  const names = Object.keys(MESSAGES) as (keyof typeof MESSAGES)[];
  const parameters = {
    site: { description: 'where the robot works' },
    robot: { description: 'the serialNumber of its messages' },
  };
  return {
    asyncapi: '3.0.0',
    info: {
      title: 'Goshawk telemetry',
      version: TELEMETRY_VERSION,
      description: 'Messages of a robot to its fleet. JSON over MQTT 5 or 3.1.1, QoS 1.',
      license: { name: 'Apache-2.0' },
    },
    defaultContentType: 'application/json',
    channels: Object.fromEntries(
      names.map((name) => [
        name,
        {
          address: `fleet/${TELEMETRY_VERSION}/{site}/{robot}/${name}`,
          parameters,
          messages: { [name]: { $ref: `#/components/messages/${name}` } },
        },
      ]),
    ),
    operations: Object.fromEntries(
      names.map((name) => [
        `send-${name}`,
        {
          action: 'send',
          channel: { $ref: `#/channels/${name}` },
          bindings: { mqtt: { qos: 1, retain: name === 'connection' } },
        },
      ]),
    ),
    components: {
      messages: Object.fromEntries(
        names.map((name) => [
          name,
          { summary: MESSAGES[name].summary, payload: z.toJSONSchema(MESSAGES[name].schema) },
        ]),
      ),
    },
  };
}

it('the AsyncAPI document is what the schemas say (vitest -u writes it anew)', async () => {
  await expect(`${JSON.stringify(asyncApi(), null, 2)}\n`).toMatchFileSnapshot(DOCUMENT);
});

it('topics have the form that the document gives', () => {
  for (const stream of STREAMS)
    expect(telemetryTopic('yard', 'r7', stream)).toBe(`fleet/v1/yard/r7/${stream}`);
  expect(() => telemetryTopic('yard/+', 'r7', 'state')).toThrow();
  expect(() => telemetryTopic('yard', '#', 'state')).toThrow();
});
