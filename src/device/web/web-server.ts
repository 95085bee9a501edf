import { HttpServer } from '../../platform/http/http-server.ts';
import { readInlinePage } from '../../platform/http/inline-page.ts';
import { LiveStreams } from './live-streams.ts';
import { deviceRoutes, imageRoutes, type WebSources } from './routes.ts';
import { Viewers } from './viewers.ts';

export interface WebOptions {
  readonly host: string;
  /** 0 for a free one */
  readonly port: number;
  /**
   * names that the server answers to besides those of the loopback address, its own address and, if that is reachable
   * from a network, this machine's name
   */
  readonly allowedHosts?: readonly string[];
}

const SETTING_NAMES = {
  address: 'address of the page',
  port: '--port (http_port for the ROS node)',
  allowedHosts: 'http_allowed_hosts (--allow-host)',
} as const;

/**
 * The device's own web server: a page with live annotated images and stats, `/api/status`, `/metrics` for
 * Prometheus and `/healthz` for supervisors.
 */
export class WebServer {
  readonly #server: HttpServer;
  readonly #streams: LiveStreams;
  readonly #viewers: Viewers;

  private constructor(server: HttpServer, streams: LiveStreams, viewers: Viewers) {
    this.#server = server;
    this.#streams = streams;
    this.#viewers = viewers;
  }

  /**
   * @throws GoshawkError GOSHAWK_PORT_IN_USE; GOSHAWK_PARAMETER_INVALID for an address where this process may not
   * listen, or an allowed host that is not one
   */
  static async listen(options: WebOptions, sources: WebSources): Promise<WebServer> {
    const { host, port, allowedHosts = [] } = options;
    const { images } = sources;
    const streams = new LiveStreams(images);
    const viewers = new Viewers(images);
    const page = await readInlinePage(new URL('page/', import.meta.url));
    const routes = [...deviceRoutes(page.html, sources), ...imageRoutes(images, streams, viewers)];
    const server = await HttpServer.listen({ host, port, allowedHosts, names: SETTING_NAMES, page, routes });
    return new WebServer(server, streams, viewers);
  }

  /** `http://HOST:PORT` */
  get url(): string {
    return this.#server.url;
  }

  async close(): Promise<void> {
    this.#streams.close();
    this.#viewers.close();
    await this.#server.close();
  }
}
