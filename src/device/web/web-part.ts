import { definePart, type DeviceView, type Part, type PartContext } from '../runtime/part.ts';
import { WebServer, type WebOptions } from './web-server.ts';

/** A value of `http_port` that cannot be set from ROS: any free port. */
export const ANY_FREE_PORT = -1;

/** The web page with the live image, `/api/status`, `/metrics` and `/healthz`. */
export const WEB_PAGE = definePart({
  parameters: {
    http_port: {
      kind: 'int',
      default: 0,
      min: 0,
      max: 65_535,
      read: 'start',
      description: 'Port of the web page with the live image, /metrics and /healthz. 0: none.',
      option: {
        flags: '--port <n>',
        description: 'serve the page, /metrics and /healthz on this port, 0 for a free one',
        words: { '0': ANY_FREE_PORT },
      },
    },
    http_host: {
      kind: 'string',
      default: '127.0.0.1',
      read: 'start',
      description:
        'Address that the web server listens on. The page has no login: open it to trusted networks only.',
    },
    http_allowed_hosts: {
      kind: 'string[]',
      default: [],
      read: 'start',
      description:
        'Host names that the web server answers to besides localhost, its own address and, if http_host is not ' +
        'a loopback address, the name of this machine.',
      option: {
        flags: '--allow-host <name>',
        description: 'a host name that the page answers to besides localhost (repeatable)',
        default: [],
      },
    },
  },
  example: { http_port: ANY_FREE_PORT },
  create: ({ http_port: port, http_host: host, http_allowed_hosts: allowedHosts }, { device, log }) =>
    port === 0
      ? null
      : new WebPage({ host, port: port === ANY_FREE_PORT ? 0 : port, allowedHosts }, device, log),
});

class WebPage implements Part {
  readonly name = 'web page';
  readonly #options: WebOptions;
  readonly #device: DeviceView;
  readonly #log: PartContext['log'];
  #server: WebServer | null = null;

  constructor(options: WebOptions, device: DeviceView, log: PartContext['log']) {
    this.#options = options;
    this.#device = device;
    this.#log = log;
  }

  /** @throws GoshawkError GOSHAWK_PORT_IN_USE, GOSHAWK_PARAMETER_INVALID */
  async start(): Promise<void> {
    this.#server = await WebServer.listen(this.#options, this.#device);
    this.#log('info', `web page: ${this.#server.url}`);
  }

  async stop(): Promise<void> {
    await this.#server?.close();
  }
}
