import type { Health } from '../../contract/status.ts';
import type { HttpAnswer, HttpRoute } from '../../platform/http/route.ts';
import { imageAnswer } from './image-answer.ts';
import type { LiveImages } from '../runtime/live-images.ts';
import type { LiveStreams } from './live-streams.ts';
import type { Viewers } from './viewers.ts';

/** What the server shows; read only on request. */
export interface WebSources {
  /** in the form of `statusSchema` of the contract; null while no model is configured */
  status(): object | null;
  health(): Health;
  metrics(): Promise<string>;
  readonly images: LiveImages;
}

/** The Prometheus text format, as prom-client writes it. */
const METRICS_CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

const IMAGE_WAIT_MS = 2_000;

/** The page, and endpoints for machines: status, health, metrics. */
export function deviceRoutes(html: string, sources: WebSources): readonly HttpRoute[] {
  return [
    { path: '/', answer: () => ({ type: 'text/html; charset=utf-8', body: html }) },
    {
      path: '/api/status',
      answer: () => {
        const status = sources.status();
        return status === null
          ? { status: 503, body: { error: 'no model is configured' } }
          : { body: status };
      },
    },
    {
      path: '/healthz',
      answer: () => {
        const health = sources.health();
        return { status: health.ok ? 200 : 503, body: health };
      },
    },
    {
      path: '/metrics',
      answer: async () => ({ type: METRICS_CONTENT_TYPE, body: await sources.metrics() }),
    },
  ];
}

/** Live images: all new ones in one answer for the page, one by one, and as a stream. */
export function imageRoutes(live: LiveImages, streams: LiveStreams, viewers: Viewers): readonly HttpRoute[] {
  const unknownCamera = (camera: string): HttpAnswer | null =>
    live.cameras().includes(camera)
      ? null
      : { status: 404, body: { error: `no camera "${camera}"`, cameras: live.cameras() } };
  return [
    {
      path: '/api/pictures',
      answer: ({ query: { have } }) => {
        for (const camera of live.cameras()) viewers.look(camera);
        const body = imageAnswer(live, new Set(typeof have === 'string' ? have.split(',') : []));
        return { type: 'application/octet-stream', cache: 'no-store', body };
      },
    },
    {
      path: '/live/:camera',
      answer: ({ params: { camera = '' } }) =>
        unknownCamera(camera) ?? { stream: (response) => streams.send(camera, response) },
    },
    {
      path: '/snapshot/:camera',
      answer: async ({ params: { camera = '' } }) => unknownCamera(camera) ?? (await snapshot(live, camera)),
    },
  ];
}

async function snapshot(live: LiveImages, camera: string): Promise<HttpAnswer> {
  const unwatch = live.watch(camera);
  try {
    const jpeg = await live.next(camera, IMAGE_WAIT_MS);
    if (jpeg === null) return { status: 503, body: { error: `no image of "${camera}" yet` } };
    return { type: 'image/jpeg', cache: 'no-store', body: Buffer.from(jpeg) };
  } finally {
    unwatch();
  }
}
