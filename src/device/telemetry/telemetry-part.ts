import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import { describeError, GoshawkError, type ErrorCode } from '../../contract/errors.ts';
import type { ClipChunk } from '../../contract/telemetry/clips.ts';
import { entryUrl } from '../../platform/entry.ts';
import { brokersFor, parseBrokers } from '../../platform/mqtt/broker-list.ts';
import { brokerSecrets } from '../../platform/mqtt/broker-secrets.ts';
import { checkTlsFiles, type TlsFiles } from '../../platform/mqtt/tls-files.ts';
import { definePart, type Part, type PartContext, type SendTelemetry } from '../runtime/part.ts';
import type { PartStatus } from '../runtime/status.ts';
import { outboxFolder } from './outbox/outbox-folder.ts';
import { TelemetryClient, type TelemetryNote } from './telemetry-client.ts';
import { telemetryMetrics } from './telemetry-metrics.ts';
import { TelemetryReporter } from './telemetry-reporter.ts';
import type { TelemetryStatus } from './telemetry-status.ts';
import { topicLevelFrom } from './outbox/topic-level.ts';

/** Fleet telemetry: sends what the parts of the device offer to an MQTT broker. */
export const TELEMETRY = definePart({
  parameters: {
    telemetry: {
      kind: 'string',
      default: '',
      read: 'start',
      description:
        'MQTT brokers for fleet telemetry, such as mqtts://broker:8883, separated by commas; the name of the robot ' +
        'picks one, and the others are used where it cannot be reached. Empty: none.',
      option: { flags: '--telemetry <urls>', description: 'MQTT brokers, separated by commas' },
    },
    telemetry_ca_file: {
      kind: 'string',
      default: '',
      read: 'start',
      description: "PEM file of trusted authorities. Empty: Node's own.",
      option: {
        flags: '--telemetry-ca-file <file>',
        description: 'CAs to trust for the broker (PEM)',
      },
    },
    telemetry_cert_file: {
      kind: 'string',
      default: '',
      read: 'start',
      description: "PEM file with this client's certificate and its chain. Empty: none.",
      option: { flags: '--telemetry-cert-file <file>', description: 'certificate of this client (PEM)' },
    },
    telemetry_key_file: {
      kind: 'string',
      default: '',
      read: 'start',
      description: 'PEM file with the unencrypted private key of that certificate. Empty: none.',
      option: { flags: '--telemetry-key-file <file>', description: 'private key of that certificate (PEM)' },
    },
    telemetry_outbox: {
      kind: 'string',
      default: '',
      read: 'start',
      description:
        'Folder in which telemetry waits until the fleet has stored it. Empty for goshawk/telemetry in the ' +
        "user's state folder.",
      option: { flags: '--telemetry-outbox <dir>', description: 'folder in which telemetry waits' },
    },
    telemetry_bytes_per_day: {
      kind: 'int',
      default: 0,
      min: 0,
      max: 1e12,
      read: 'start',
      description:
        'Bytes of telemetry that may be published in a day. Near the limit only a state every 5 minutes is, at the ' +
        'limit nothing; the rest waits. 0: no limit.',
      option: {
        flags: '--telemetry-bytes-per-day <n>',
        description: 'bytes to publish in a day, 0: no limit',
      },
    },
    site: {
      kind: 'string',
      default: 'default',
      read: 'start',
      description: 'Site in telemetry topics.',
      option: { flags: '--site <name>', description: 'where the robot works', default: 'site' },
    },
    robot: {
      kind: 'string',
      default: '',
      read: 'start',
      description: 'Robot in telemetry topics, unique per machine. Empty: the host name.',
      option: {
        flags: '--robot <name>',
        description: 'name of the robot (default: the host name)',
        default: '',
      },
    },
  },
  // the discard port, on which nobody listens
  example: { telemetry: 'mqtt://127.0.0.1:9' },
  create: (values, context) => {
    const { telemetry: brokers, telemetry_outbox: outbox, site, robot, ...files } = values;
    const { telemetry_bytes_per_day: bytesPerDay } = values;
    if (brokers.trim() === '') return null;
    const { telemetry_ca_file: ca, telemetry_cert_file: cert, telemetry_key_file: key } = files;
    const tls = {
      ...(ca === '' ? {} : { caFile: ca }),
      ...(cert === '' ? {} : { certFile: cert }),
      ...(key === '' ? {} : { keyFile: key }),
    };
    return new Telemetry({ brokers, outbox, bytesPerDay, site, robot, node: context.node, ...tls }, context);
  },
});

interface TelemetryOptions extends TlsFiles {
  /** broker addresses without user or password, separated by commas or spaces */
  readonly brokers: string;
  /** folder of all outboxes; empty for that of the user */
  readonly outbox: string;
  /** 0 for no limit */
  readonly bytesPerDay: number;
  readonly site: string;
  /** the machine's host name if empty */
  readonly robot: string;
  readonly node: string;
}

/**
 * Telemetry as a part. An unreachable broker is retried for as long as the part lives; unusable settings are refused at
 * start.
 */
class Telemetry implements Part {
  readonly name = 'telemetry';
  readonly metrics = telemetryMetrics(() => this.#client?.status ?? null);
  readonly #options: TelemetryOptions;
  readonly #context: PartContext;
  #client: TelemetryClient | null = null;
  #reporter: TelemetryReporter | null = null;
  #lastTrouble = '';

  constructor(options: TelemetryOptions, context: PartContext) {
    this.#options = options;
    this.#context = context;
  }

  /** @throws GoshawkError GOSHAWK_PARAMETER_INVALID, GOSHAWK_FILE_UNREADABLE */
  async start(): Promise<void> {
    const { brokers, site, ...rest } = this.#options;
    const robot = this.#options.robot === '' ? topicLevelFrom(hostname()) : this.#options.robot;
    const node = topicLevelFrom(this.#options.node);
    const { device, log } = this.#context;
    const urls = brokersFor(`${site}/${robot}`, parseBrokers(brokers));
    for (const warning of await checkTlsFiles(urls[0] ?? '', rest, new Date()))
      log('warn', `telemetry: ${warning}`);
    const secrets = await brokerSecrets(process.env);
    this.#client = new TelemetryClient(
      {
        ...rest,
        urls,
        site,
        outbox: outboxFolder(rest.outbox, { site, robot, node }),
        robot,
        node,
        manufacturer: 'Goshawk',
        bootId: randomUUID(),
        ...secrets,
      },
      entryUrl(import.meta.url, './telemetry-main.ts'),
      (status) => this.#noteLink(status),
      (note) => this.#note(note),
    );
    this.#reporter = new TelemetryReporter(
      () => device.streams(),
      this.#client,
      (error) => log('warn', `telemetry: ${describeError(error)}`),
    );
  }

  readonly send: SendTelemetry = (stream, make) => this.#reporter?.send(stream, make);

  readonly transfer = (chunk: ClipChunk): Promise<boolean> =>
    this.#client?.transfer(chunk) ?? Promise.resolve(false);

  status(): PartStatus {
    return this.#client === null ? {} : { telemetry: { ...this.#client.status } };
  }

  /** Sends the last message of each stream and OFFLINE, and ends the thread. */
  async stop(): Promise<void> {
    this.#reporter?.close();
    await this.#client?.close();
  }

  #note(note: TelemetryNote): void {
    const { log } = this.#context;
    if (note.type === 'clip-request') this.#context.device.requestClip(note.request);
    else if (note.type === 'log') log('warn', `telemetry: ${note.line}`);
    else if (note.trouble === null) log('info', `telemetry: ${OVER[note.type]}`);
    else if (note.type === 'fleet')
      log('warn', describeTrouble({ broker: this.#client?.status.broker ?? null, ...note.trouble }));
    else log('warn', `telemetry: ${note.trouble.code}: ${note.trouble.reason}`);
  }

  #noteLink(status: TelemetryStatus): void {
    const { log } = this.#context;
    const trouble = status.reason === '' ? '' : describeTrouble(status);
    if (trouble === '') log('info', `telemetry: connected to ${status.broker} by MQTT ${status.protocol}`);
    if (trouble !== '' && trouble !== this.#lastTrouble) log('warn', trouble);
    this.#lastTrouble = trouble;
  }
}

/** What is well again. */
const OVER = {
  outbox: 'what waits for the fleet is kept on the disk again',
  fleet: 'messages are acknowledged again',
} as const;

function describeTrouble({
  broker,
  code,
  reason,
}: {
  readonly broker: string | null;
  readonly code: ErrorCode | null;
  readonly reason: string;
}): string {
  const details = { url: broker ?? '', reason, file: 'a TLS file of telemetry' };
  return describeError(new GoshawkError(code ?? 'GOSHAWK_INTERNAL', details));
}
