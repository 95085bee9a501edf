import { join } from 'node:path';
import { expect, it } from 'vitest';
import { z } from 'zod';
import {
  connectionSchema,
  metricsSchema,
  stateSchema,
  STREAMS,
  telemetryClientId,
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
    node: { description: 'the detector on the robot, of which there may be several' },
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
          address: `fleet/${TELEMETRY_VERSION}/{site}/{robot}/{node}/${name}`,
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

const SPEAKER = { site: 'yard', robot: 'r7', node: 'goshawk-detector' };

it('topics have the form that the document gives', () => {
  for (const stream of STREAMS)
    expect(telemetryTopic(SPEAKER, stream)).toBe(`fleet/v1/yard/r7/goshawk-detector/${stream}`);
  expect(() => telemetryTopic({ ...SPEAKER, site: 'yard/+' }, 'state')).toThrow();
  expect(() => telemetryTopic({ ...SPEAKER, robot: '#' }, 'state')).toThrow();
  expect(() => telemetryTopic({ ...SPEAKER, node: '/goshawk/detector' }, 'state')).toThrow();
});

it('client ids differ wherever site, robot or node do', () => {
  expect(telemetryClientId(SPEAKER)).toBe('goshawk:yard:r7:goshawk-detector');
  const moved = { site: 'yard-r7', robot: 'goshawk', node: 'detector' };
  expect(telemetryClientId(moved)).not.toBe(
    telemetryClientId({ ...moved, site: 'yard', robot: 'r7-goshawk' }),
  );
});
