import { once } from 'node:events';
import { createServer, type Server } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parameterValues } from '../../src/cli/kit/parameter-options.ts';
import { PERIODIC_STREAMS } from '../../src/contract/telemetry/streams.ts';
import { composeRuntime, PART_PARAMETERS, type PartValues } from '../../src/device/parts.ts';
import type { RuntimeOptions } from '../../src/device/runtime/runtime.ts';
import { ANY_FREE_PORT } from '../../src/device/web/web-part.ts';
import { sessionOf } from './runtime/fake-session.ts';

const HOST = '127.0.0.1';
const DEFAULTS: PartValues = parameterValues(PART_PARAMETERS, {});
const NEVER = new AbortController().signal;

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

function compose(values: Partial<PartValues>, whenRefused: RuntimeOptions['whenRefused'] = 'leave-out') {
  const lines: string[] = [];
  const runtime = composeRuntime(
    { ...DEFAULTS, ...values },
    {
      node: '/goshawk/detector',
      silentAfterMs: () => 5000,
      log: (_level, line) => lines.push(line),
      whenRefused,
    },
  );
  return { runtime, lines };
}

async function start(values: Partial<PartValues>) {
  const { runtime, lines } = compose(values);
  await runtime.start(NEVER);
  const url =
    lines.map((line) => /^web page: (.*)$/.exec(line)?.[1]).find((found) => found !== undefined) ?? null;
  return { runtime, refused: runtime.complaints(), url };
}

const badBroker = { telemetry: 'http://broker', site: 'yard', robot: 'r7' };

describe('a part that cannot be started', () => {
  it('is reported with its code, and the others are started without it', async () => {
    const { runtime, refused, url } = await start({ http_port: ANY_FREE_PORT, ...badBroker });
    expect(refused).toEqual([
      expect.stringMatching(/^GOSHAWK_PARAMETER_INVALID: .*telemetry.*http:\/\/broker/),
    ]);
    expect(runtime.partStatus().telemetry).toBeUndefined();
    expect((await fetch(`${url!}/healthz`)).status).toBe(503);
    await runtime.stop();
  });

  it('may be all of them', async () => {
    const { runtime, refused, url } = await start({ http_port: taken, ...badBroker });
    expect(refused.map((line) => line.split(':')[0])).toEqual([
      'GOSHAWK_PARAMETER_INVALID',
      'GOSHAWK_PORT_IN_USE',
    ]);
    expect([url, runtime.partStatus()]).toEqual([null, {}]);
    await runtime.stop();
  });

  it('fails the start if nobody would notice', async () => {
    const { runtime } = compose({ http_port: taken }, 'reject');
    await expect(runtime.start(NEVER)).rejects.toMatchObject({ code: 'GOSHAWK_PORT_IN_USE' });
  });

  it('is named if the address does not belong to this machine', async () => {
    const { refused } = await start({ http_port: ANY_FREE_PORT, http_host: '203.0.113.7' });
    expect(refused).toEqual([expect.stringMatching(/^GOSHAWK_PARAMETER_INVALID: .*203\.0\.113\.7:0/)]);
  });
});

describe('a page for allowed hosts', () => {
  it('is refused if one of them is not a host', async () => {
    const { refused } = await start({ http_port: ANY_FREE_PORT, http_allowed_hosts: ['http://robot7/'] });
    expect(refused).toEqual([
      expect.stringMatching(/^GOSHAWK_PARAMETER_INVALID: .*http_allowed_hosts.*http:\/\/robot7\//),
    ]);
  });
});

describe('the parts of a device', () => {
  it('make the messages of each periodic stream, one part each', async () => {
    // the parts that offer streams start even if the broker cannot be used
    const { runtime } = await start(badBroker);
    expect(runtime.streams().flatMap(Object.keys).sort()).toEqual([...PERIODIC_STREAMS].sort());
    await runtime.stop();
  });

  it('get no frames if neither page nor telemetry is requested', async () => {
    const { runtime } = await start({});
    const session = sessionOf();
    runtime.attach(session);
    expect(session.sinks).toEqual([]);
    await runtime.stop();
  });

  it('measure frames for a policy, whatever else there is', async () => {
    const { runtime } = await start({ drift_policy: 'launch/params/drift-policy.yaml' });
    const session = sessionOf();
    runtime.attach(session);
    expect(session.sinks.map(({ name }) => name)).toEqual(['drift', 'policy']);
    await runtime.stop();
  });

  it('provide the page with live images and the metrics of session and host', async () => {
    const { runtime, url } = await start({ http_port: ANY_FREE_PORT });
    const session = sessionOf();
    expect((await fetch(`${url!}/api/status`)).status).toBe(503);
    runtime.attach(session);
    expect(session.sinks.map(({ name }) => name)).toEqual(['live-view', 'metrics', 'labels', 'drift']);
    expect(runtime.images.cameras()).toEqual(['front']);
    expect(await (await fetch(`${url!}/api/status`)).json()).toMatchObject({
      telemetry: null,
      silentAfterMs: 5000,
    });
    const text = await (await fetch(`${url!}/metrics`)).text();
    expect(text).toMatch(
      /# TYPE goshawk_frames_received_total counter[^]*# TYPE goshawk_host_temperature_celsius gauge/,
    );
    runtime.detach();
    expect(await (await fetch(`${url!}/metrics`)).text()).toBe('');
    expect((await fetch(`${url!}/healthz`)).status).toBe(503);
    await runtime.stop();
  });
});
