import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  DeviceService,
  topicLevelFrom,
  type ServiceOptions,
  type ServiceSources,
} from '../../../src/device/service/device-service.ts';

const SOURCES: ServiceSources = {
  snapshot: () => null,
  host: () => ({}),
  metrics: () => Promise.resolve(''),
  metricsContentType: 'text/plain',
  live: {
    cameras: () => [],
    watch: () => () => undefined,
    newest: () => null,
    next: () => Promise.resolve(null),
  },
  silentAfterMs: () => 5000,
};
const HOST = '127.0.0.1';

let other: Server;
let taken = 0;

beforeAll(async () => {
  other = createServer().listen(0, HOST);
  await once(other, 'listening');
  const address = other.address();
  taken = typeof address === 'object' && address !== null ? address.port : 0;
});

afterAll(() => {
  other.close();
});

async function start(options: Partial<ServiceOptions>) {
  const lines: string[] = [];
  const refused: string[] = [];
  const service = await DeviceService.start(
    {
      web: null,
      telemetry: null,
      log: (_level, line) => lines.push(line),
      onRefused: ({ code, message }) => refused.push(`${code}: ${message}`),
      ...options,
    },
    SOURCES,
  );
  return { service, refused, lines };
}

const badBroker = { url: 'http://broker', site: 'yard', robot: 'r7', node: '/goshawk/detector' };

describe('a part that cannot be started', () => {
  it('is said with its code, and the others are started without it', async () => {
    const { service, refused } = await start({ web: { host: HOST, port: 0 }, telemetry: badBroker });
    expect(refused).toEqual([
      expect.stringMatching(/^GOSHAWK_PARAMETER_INVALID: .*telemetry.*http:\/\/broker/),
    ]);
    expect(service.sink).toBeNull();
    expect((await fetch(`${service.url!}/healthz`)).status).toBe(503);
    await service.close();
  });

  it('may be all of them', async () => {
    const { service, refused } = await start({ web: { host: HOST, port: taken }, telemetry: badBroker });
    expect(refused.map((line) => line.split(':')[0])).toEqual([
      'GOSHAWK_PARAMETER_INVALID',
      'GOSHAWK_PORT_IN_USE',
    ]);
    expect([service.url, service.telemetry, service.sink]).toEqual([null, null, null]);
    await service.close();
  });

  it('ends the start where nobody hears of it', async () => {
    const options = { web: { host: HOST, port: taken }, telemetry: null, log: () => undefined };
    await expect(DeviceService.start(options, SOURCES)).rejects.toMatchObject({
      code: 'GOSHAWK_PORT_IN_USE',
    });
  });

  it('is named where the address is not one of this machine', async () => {
    const { refused } = await start({ web: { host: '203.0.113.7', port: 0 } });
    expect(refused).toEqual([expect.stringMatching(/^GOSHAWK_PARAMETER_INVALID: .*203\.0\.113\.7:0/)]);
  });
});

describe('a level of a topic', () => {
  it.each([
    ['/goshawk/detector', 'goshawk-detector'],
    ['robot_7.local', 'robot_7.local'],
    ['///', 'robot'],
  ])('%s becomes %s', (name, level) => {
    expect(topicLevelFrom(name)).toBe(level);
  });

  it('stays apart where long names differ only at their end', () => {
    const long = `/${'a'.repeat(80)}`;
    expect(topicLevelFrom(`${long}/left`)).not.toBe(topicLevelFrom(`${long}/right`));
    expect(topicLevelFrom(`${long}/left`)).toHaveLength(64);
  });
});

describe('a page for allowed hosts', () => {
  it('is refused where one of them is no host', async () => {
    const web = { host: HOST, port: 0, allowedHosts: ['http://robot7/'] };
    const { refused } = await start({ web });
    expect(refused).toEqual([
      expect.stringMatching(/^GOSHAWK_PARAMETER_INVALID: .*http_allowed_hosts.*http:\/\/robot7\//),
    ]);
  });
});
