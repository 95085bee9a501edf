import { hostname } from 'node:os';
import fastify, { type FastifyInstance } from 'fastify';
import { describeError, GoshawkError } from '../../contract/errors.ts';
import type { Health } from '../../contract/status.ts';
import { AllowedHosts } from './allowed-hosts.ts';
import type { LiveImages } from '../runtime/live-images.ts';
import { LiveStreams } from './live-streams.ts';
import { Viewers } from './viewers.ts';
import { PAGE_HTML } from './page.ts';
import { imageAnswer } from './image-answer.ts';
import { SECURITY_HEADERS } from './security-headers.ts';

/** What the server shows; each is asked only when somebody looks. */
export interface WebSources {
  /** as `statusSchema` of the contract describes it; null while no model is configured */
  status(): object | null;
  health(): Health;
  metrics(): Promise<string>;
  readonly metricsContentType: string;
  readonly live: LiveImages;
}

export interface WebOptions {
  readonly host: string;
  /** 0 takes a free one */
  readonly port: number;
  /**
   * names that the server answers to besides those of the loopback address, its own address and, where that
   * is open to a network, this machine's name
   */
  readonly allowedHosts?: readonly string[];
}

const PICTURE_WAIT_MS = 2_000;
/** What of a stranger's header is repeated to them. */
const HOST_SHOWN = 100;

/**
 * The device's own web server: a page with the live annotated image and the figures, `/api/status`,
 * `/metrics` for Prometheus and `/healthz` for supervisors.
 */
export class WebServer {
  readonly #app: FastifyInstance;
  readonly #streams: LiveStreams;
  readonly #viewers: Viewers;
  /** `http://HOST:PORT` */
  readonly url: string;

  private constructor(app: FastifyInstance, streams: LiveStreams, viewers: Viewers, url: string) {
    this.#app = app;
    this.#streams = streams;
    this.#viewers = viewers;
    this.url = url;
  }

  /**
   * @throws GoshawkError GOSHAWK_PORT_IN_USE; GOSHAWK_PARAMETER_INVALID for a place where this process may
   *   not listen, or an allowed host that is no name
   */
  static async listen(options: WebOptions, sources: WebSources): Promise<WebServer> {
    const { host, port, allowedHosts = [] } = options;
    const hosts = new AllowedHosts({ bound: host, extra: allowedHosts, machine: hostname() });
    const app = fastify({ logger: false, bodyLimit: 1024, forceCloseConnections: true });
    const streams = new LiveStreams(sources.live);
    const viewers = new Viewers(sources.live);
    guard(app, hosts);
    registerRoutes(app, sources);
    registerImages(app, sources.live, streams, viewers);
    try {
      return new WebServer(app, streams, viewers, await app.listen({ host, port }));
    } catch (error) {
      await app.close();
      throw cannotListen(options, error as NodeJS.ErrnoException);
    }
  }

  async close(): Promise<void> {
    this.#streams.close();
    this.#viewers.close();
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

/**
 * Before every route, the unknown ones too: refuses foreign hosts and tells browsers what they may do with
 * the answer.
 */
function guard(app: FastifyInstance, hosts: AllowedHosts): void {
  app.addHook('onRequest', async (request, reply) => {
    // On the raw response, so that streams, which leave the framework, carry them as well.
    for (const [name, value] of Object.entries(SECURITY_HEADERS)) reply.raw.setHeader(name, value);
    const { host } = request.headers;
    if (hosts.admits(host, request.socket.localAddress)) return;
    const refusal = new GoshawkError('GOSHAWK_HOST_REFUSED', { host: (host ?? '').slice(0, HOST_SHOWN) });
    await reply.code(403).send({ error: describeError(refusal) });
  });
}

function registerRoutes(app: FastifyInstance, sources: WebSources): void {
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
}

function registerImages(
  app: FastifyInstance,
  live: LiveImages,
  streams: LiveStreams,
  viewers: Viewers,
): void {
  app.get<{ Querystring: { have?: unknown } }>('/api/pictures', (request, reply) => {
    const { have } = request.query;
    for (const camera of live.cameras()) viewers.look(camera);
    const body = imageAnswer(live, new Set(typeof have === 'string' ? have.split(',') : []));
    return reply.type('application/octet-stream').header('cache-control', 'no-store').send(body);
  });
  app.get<{ Params: { camera: string } }>('/live/:camera', (request, reply) => {
    const { camera } = request.params;
    if (!live.cameras().includes(camera)) {
      return reply.code(404).send({ error: `no camera "${camera}"`, cameras: live.cameras() });
    }
    reply.hijack();
    streams.send(camera, reply.raw);
    return reply;
  });
  app.get<{ Params: { camera: string } }>('/snapshot/:camera', async (request, reply) => {
    const { camera } = request.params;
    if (!live.cameras().includes(camera)) {
      return reply.code(404).send({ error: `no camera "${camera}"`, cameras: live.cameras() });
    }
    const unwatch = live.watch(camera);
    try {
      const jpeg = await live.next(camera, PICTURE_WAIT_MS);
      if (jpeg === null) return await reply.code(503).send({ error: `no image of "${camera}" yet` });
      return await reply.type('image/jpeg').header('cache-control', 'no-store').send(Buffer.from(jpeg));
    } finally {
      unwatch();
    }
  });
}
