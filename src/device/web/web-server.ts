import { once } from 'node:events';
import type { ServerResponse } from 'node:http';
import fastify, { type FastifyInstance } from 'fastify';
import { GoshawkError } from '../../contract/errors.ts';
import type { Health } from '../../contract/status.ts';
import { PAGE_HTML } from './page.ts';

/** What the server shows; each is asked only when somebody looks. */
export interface WebSources {
  /** as `statusSchema` of the contract describes it; null while no model is configured */
  status(): object | null;
  health(): Health;
  metrics(): Promise<string>;
  readonly metricsContentType: string;
  readonly live: LivePictures;
}

/** Annotated pictures as JPEG, rendered only between `watch` and the call of what it returns. */
export interface LivePictures {
  cameras(): readonly string[];
  watch(camera: string): () => void;
  /** Resolves with the next picture, or with the newest one after `timeoutMs`; `null` if there was none yet. */
  next(camera: string, timeoutMs: number): Promise<Uint8Array | null>;
}

export interface WebOptions {
  readonly host: string;
  /** 0 takes a free one */
  readonly port: number;
}

/** Streams at once: each costs a rendered picture per frame shown, so strangers must not pile them up. */
const MAX_STREAMS = 8;
const PICTURE_WAIT_MS = 2_000;
const BOUNDARY = 'goshawkframe';

/**
 * The device's own web server: a page with the live annotated picture and the figures, `/api/status`, `/metrics` for Prometheus
 * and `/healthz` for supervisors.
 */
export class WebServer {
  readonly #app: FastifyInstance;
  readonly #sources: WebSources;
  readonly #streams = new Set<ServerResponse>();
  /** `http://HOST:PORT` */
  readonly url: string;

  private constructor(app: FastifyInstance, sources: WebSources, url: string) {
    this.#app = app;
    this.#sources = sources;
    this.url = url;
  }

  /** @throws GoshawkError GOSHAWK_PORT_IN_USE; GOSHAWK_PARAMETER_INVALID for a place where this process may not listen */
  static async listen(options: WebOptions, sources: WebSources): Promise<WebServer> {
    const app = fastify({ logger: false, bodyLimit: 1024, forceCloseConnections: true });
    const routes = new Map<'server', WebServer>();
    registerRoutes(app, sources, (camera, response) => routes.get('server')?.stream(camera, response));
    try {
      const url = await app.listen({ host: options.host, port: options.port });
      const server = new WebServer(app, sources, url);
      routes.set('server', server);
      return server;
    } catch (error) {
      await app.close();
      throw cannotListen(options, error as NodeJS.ErrnoException);
    }
  }

  /** Sends pictures (motion JPEG) until the viewer leaves; a slow viewer gets fewer, never a backlog. */
  stream(camera: string, response: ServerResponse): void {
    if (this.#streams.size >= MAX_STREAMS) {
      response.writeHead(503, { 'content-type': 'text/plain', 'retry-after': '5' });
      response.end(`all ${MAX_STREAMS} live streams are taken; close another page\n`);
      return;
    }
    this.#streams.add(response);
    const unwatch = this.#sources.live.watch(camera);
    response.once('close', () => {
      unwatch();
      this.#streams.delete(response);
    });
    void this.#sendPictures(camera, response).catch(() => response.destroy());
  }

  async #sendPictures(camera: string, response: ServerResponse): Promise<void> {
    response.writeHead(200, {
      'content-type': `multipart/x-mixed-replace; boundary=${BOUNDARY}`,
      'cache-control': 'no-store',
    });
    while (!response.destroyed) {
      const jpeg = await this.#sources.live.next(camera, PICTURE_WAIT_MS);
      if (jpeg === null || response.destroyed) continue;
      response.write(`--${BOUNDARY}\r\nContent-Type: image/jpeg\r\nContent-Length: ${jpeg.length}\r\n\r\n`);
      response.write(jpeg);
      const ready = response.write('\r\n');
      if (!ready) await Promise.race([once(response, 'drain'), once(response, 'close')]);
    }
  }

  async close(): Promise<void> {
    for (const response of this.#streams) response.destroy();
    await this.#app.close();
  }
}

function cannotListen({ host, port }: WebOptions, cause: NodeJS.ErrnoException): GoshawkError {
  if (cause.code === 'EADDRINUSE') {
    const option = '--port (http_port for the ROS node)';
    return new GoshawkError('GOSHAWK_PORT_IN_USE', { port, host, option }, { cause });
  }
  const value = `${host}:${String(port)}`;
  const details = { name: 'address of the page', value, reason: cause.message };
  return new GoshawkError('GOSHAWK_PARAMETER_INVALID', details, { cause });
}

function registerRoutes(
  app: FastifyInstance,
  sources: WebSources,
  stream: (camera: string, response: ServerResponse) => void,
): void {
  app.get('/', (_request, reply) => reply.type('text/html; charset=utf-8').send(PAGE_HTML));
  app.get('/api/status', (_request, reply) => {
    const status = sources.status();
    return status === null ? reply.code(503).send({ error: 'no model is configured' }) : reply.send(status);
  });
  app.get('/healthz', (_request, reply) => {
    const health = sources.health();
    return reply.code(health.ok ? 200 : 503).send(health);
  });
  app.get('/metrics', async (_request, reply) =>
    reply.type(sources.metricsContentType).send(await sources.metrics()),
  );
  app.get<{ Params: { camera: string } }>('/live/:camera', (request, reply) => {
    const { camera } = request.params;
    if (!sources.live.cameras().includes(camera)) {
      return reply.code(404).send({ error: `no camera "${camera}"`, cameras: sources.live.cameras() });
    }
    reply.hijack();
    stream(camera, reply.raw);
    return reply;
  });
  app.get<{ Params: { camera: string } }>('/snapshot/:camera', async (request, reply) => {
    const { camera } = request.params;
    if (!sources.live.cameras().includes(camera)) {
      return reply.code(404).send({ error: `no camera "${camera}"`, cameras: sources.live.cameras() });
    }
    const unwatch = sources.live.watch(camera);
    try {
      const jpeg = await sources.live.next(camera, PICTURE_WAIT_MS);
      if (jpeg === null) return await reply.code(503).send({ error: `no picture of "${camera}" yet` });
      return await reply.type('image/jpeg').header('cache-control', 'no-store').send(Buffer.from(jpeg));
    } finally {
      unwatch();
    }
  });
}
