import { once } from 'node:events';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { GoshawkError } from '../../../src/contract/errors.ts';
import { HttpServer, type HttpServerOptions } from '../../../src/platform/http/http-server.ts';
import type { HttpRoute } from '../../../src/platform/http/route.ts';

let streams = 0;

const ROUTES: readonly HttpRoute[] = [
  { path: '/', answer: () => ({ type: 'text/html; charset=utf-8', body: '<p>' }) },
  { path: '/echo/:name', answer: ({ params, query }) => ({ body: { params, query } }) },
  {
    method: 'PATCH',
    path: '/echo/:name',
    answer: ({ method, body }) => ({ body: { method, body }, headers: { etag: '"1"' } }),
  },
  { path: '/busy', answer: () => ({ status: 503, cache: 'no-store', body: { error: 'later' } }) },
  { path: '/bytes', answer: () => Promise.resolve({ type: 'image/jpeg', body: new Uint8Array([1, 2]) }) },
  { path: '/stream', answer: () => ({ stream: (response) => response.end('streamed') }) },
  { path: '/endless', answer: () => ({ stream: () => (streams += 1) }) },
  { path: '/who', answer: ({ address }) => ({ body: { address } }) },
  {
    path: '/defect',
    answer: () => {
      throw new TypeError('x is undefined');
    },
  },
  {
    path: '/refused',
    answer: () => Promise.reject(new GoshawkError('GOSHAWK_FILE_UNREADABLE', { file: 'f', reason: 'r' })),
  },
];

const servers: HttpServer[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) await server.close();
});

async function listen(more: Partial<HttpServerOptions> = {}): Promise<HttpServer> {
  const server = await HttpServer.listen({
    host: '127.0.0.1',
    port: 0,
    allowedHosts: ['robot7.example.com'],
    names: { address: 'the address', port: '--port', allowedHosts: '--allow-host' },
    page: { html: '', scripts: ['alert(1)'], styles: [] },
    routes: ROUTES,
    ...more,
  });
  servers.push(server);
  return server;
}

/** A raw request, since clients would correct its faults. */
async function raw({ url }: HttpServer, path: string, host: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1');
  socket.write(`GET ${path} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
  let text = '';
  socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  await once(socket, 'close');
  return text;
}

describe('answers of an HTTP server', () => {
  it('are those of the routes: JSON, text, bytes, status, streams', async () => {
    const { url } = await listen();
    const json = await fetch(`${url}/echo/a%2Fb?x=1`);
    expect(json.headers.get('content-type')).toBe('application/json; charset=utf-8');
    expect(await json.json()).toEqual({ params: { name: 'a/b' }, query: { x: '1' } });
    const page = await fetch(url);
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8');
    const busy = await fetch(`${url}/busy`);
    expect([busy.status, busy.headers.get('cache-control')]).toEqual([503, 'no-store']);
    const bytes = await fetch(`${url}/bytes`);
    expect(new Uint8Array(await bytes.arrayBuffer())).toEqual(new Uint8Array([1, 2]));
    const stream = await fetch(`${url}/stream`);
    expect(await stream.text()).toBe('streamed');
    expect(stream.headers.get('x-content-type-options')).toBe('nosniff');
  });

  it('name the scripts of the page, and nothing else that may run', async () => {
    const { url } = await listen();
    const policy = (await fetch(url)).headers.get('content-security-policy');
    expect(policy).toContain("script-src 'sha256-bhHHL3z2vDgxUt0W3dWQOrprscmda2Y5pLsLg4GF+pI='");
    expect(policy).toContain("style-src 'none'");
  });

  it('can have methods, bodies of JSON and headers, and nothing but JSON', async () => {
    const { url } = await listen();
    const send = (type: string, body: string): Promise<Response> =>
      fetch(`${url}/echo/a`, { method: 'PATCH', headers: { 'content-type': type }, body });
    const answer = await send('application/json', '{"a":1}');
    expect([await answer.json(), answer.headers.get('etag')]).toEqual([
      { method: 'PATCH', body: { a: 1 } },
      '"1"',
    ]);
    const refused: [string, string, number][] = [
      ['application/json', '{', 400],
      ['application/json', '{"__proto__":{}}', 400],
      ['application/json', `"${'x'.repeat(9_000)}"`, 413],
      ['text/plain', '{}', 415],
      ['application/x-www-form-urlencoded', 'a=1', 415],
    ];
    for (const [type, body, status] of refused) {
      const { status: given, ...rest } = await send(type, body).then(async (one) => ({
        status: one.status,
        text: await one.text(),
      }));
      expect([given, rest.text]).toEqual([status, expect.stringContaining('GOSHAWK_REQUEST_INVALID')]);
    }
    for (const path of ['/echo/a', '/endless'])
      expect((await fetch(`${url}${path}`, { method: 'HEAD' })).status).toBe(200);
    expect(streams).toBe(0);
  });

  it('are for the address that the last trusted proxy names, and nobody else is believed', async () => {
    const whoAt = async ({ url }: HttpServer, forwarded: string): Promise<unknown> => {
      const answer = await fetch(`${url}/who`, { headers: { 'x-forwarded-for': forwarded } });
      return ((await answer.json()) as { address: unknown }).address;
    };
    const trusting = await listen({ trustedProxies: ['127.0.0.1', '10.0.0.0/8'] });
    expect(await whoAt(trusting, '192.0.2.1, 192.0.2.7, 10.1.2.3')).toBe('192.0.2.7');
    expect(await whoAt(trusting, '192.0.2.7, <script>')).toBe('127.0.0.1');
    expect(await whoAt(trusting, '192.0.2.7:4711')).toBe('192.0.2.7');
    expect(await whoAt(trusting, '[2001:db8::7]:4711')).toBe('2001:db8::7');
    expect(await whoAt(await listen(), '192.0.2.7')).toBe('127.0.0.1');
    const elsewhere = await listen({ trustedProxies: ['10.0.0.0/8'] });
    expect(await whoAt(elsewhere, '192.0.2.7')).toBe('127.0.0.1');
    const names = { address: '', port: '', allowedHosts: '', trustedProxies: '--trust-proxy' };
    for (const wrong of ['ingress', '0.0.0.0/0', '0.0.0.0/0.0.0.0', '::/0'])
      await expect(listen({ trustedProxies: [wrong], names })).rejects.toMatchObject({
        code: 'GOSHAWK_PARAMETER_INVALID',
        message: expect.stringContaining('--trust-proxy') as unknown,
      });
  });

  it('to unknown paths and methods list what exists', async () => {
    const { url } = await listen();
    for (const answer of [await fetch(`${url}/none`), await fetch(url, { method: 'POST' })]) {
      expect(answer.status).toBe(404);
      const { error } = (await answer.json()) as { error: string };
      expect(error).toMatch(/^GOSHAWK_ROUTE_UNKNOWN: .*\/echo\/:name/);
    }
  });

  it('have a code when a route fails, which does not end the process', async () => {
    const { url } = await listen();
    const errors = { defect: 'GOSHAWK_INTERNAL: x is undefined', refused: 'GOSHAWK_FILE_UNREADABLE: f' };
    for (const [path, text] of Object.entries(errors)) {
      const answer = await fetch(`${url}/${path}`);
      expect(answer.status).toBe(500);
      expect(((await answer.json()) as { error: string }).error).toContain(text);
    }
    expect((await fetch(url)).status).toBe(200);
  });

  it.each(['/%zz', '/echo/%', '/none', '/', `/echo/${'x'.repeat(500)}`])(
    'to %s carry the headers for browsers, and refuse foreign hosts before anything else',
    async (path) => {
      const server = await listen();
      const answer = await raw(server, path, 'robot7.example.com');
      expect(answer).toContain("frame-ancestors 'none'");
      expect(answer.startsWith('HTTP/1.1 403')).toBe(false);
      const refusal = await raw(server, path, 'evil.example');
      expect(refusal).toMatch(/^HTTP\/1\.1 403 /);
      expect(refusal).toContain('GOSHAWK_HOST_REFUSED');
    },
  );
});

describe('a server that cannot listen', () => {
  it('names the port that is in use, and the option for another', async () => {
    const port = Number(new URL((await listen()).url).port);
    await expect(listen({ port })).rejects.toMatchObject({
      code: 'GOSHAWK_PORT_IN_USE',
      fix: expect.stringContaining('--port') as string,
    });
  });

  it('names an address that is not of this machine, and an allowed host that is not one', async () => {
    await expect(listen({ host: '192.0.2.1' })).rejects.toMatchObject({
      code: 'GOSHAWK_PARAMETER_INVALID',
      message: expect.stringContaining('the address = 192.0.2.1:0') as string,
    });
    await expect(listen({ allowedHosts: ['http://x'] })).rejects.toMatchObject({
      message: expect.stringContaining('--allow-host') as string,
    });
  });
});
