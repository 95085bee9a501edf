import { parseJson } from '../../contract/json.ts';
import { payloadSchemaOf, type StreamPayload } from '../../contract/telemetry/payloads.ts';

type Connection = StreamPayload<'connection'>;
export type ConnectionState = Connection['connectionState'];

/** Detectors that are remembered: about 300 bytes each. */
const MAX_REMEMBERED = 200_000;
const MAX_BYTES = 4_096;
const SCHEMA = payloadSchemaOf('connection');
const TOPIC = /^fleet\/v1\/([^/]+)\/([^/]+)\/([^/]+)\/connection$/;

/**
 * Who is connected. Brokers retain this, so that an ingestor has it from the moment it subscribes, and nothing of it is
 * stored.
 */
export class Presence {
  readonly #births = new Map<string, Connection>();

  /** Whether the topic is that of a connection, which is then taken; wrong ones are ignored. */
  take(topic: string, payload: Buffer): boolean {
    const [, site, robot, node] = TOPIC.exec(topic) ?? [];
    if (site === undefined || robot === undefined || node === undefined) return false;
    const { data } = SCHEMA.safeParse(readJson(payload));
    // nobody speaks for another
    if (data?.serialNumber !== robot || data.node !== node) return true;
    const key = `${site}/${robot}/${node}`;
    const before = this.#births.get(key);
    if (before === undefined && this.#births.size >= MAX_REMEMBERED) return true;
    if (before === undefined || !isOldWill(data, before)) this.#births.set(key, data);
    return true;
  }

  /** The last state that a detector sent; null if it sent none. */
  stateOf(site: string, robot: string, node: string): ConnectionState | null {
    return this.#births.get(`${site}/${robot}/${node}`)?.connectionState ?? null;
  }
}

/** Null if it is not JSON, or too long. */
function readJson(payload: Buffer): unknown {
  if (payload.length > MAX_BYTES) return null;
  try {
    return parseJson(payload.toString('utf8'));
  } catch {
    return null;
  }
}

/** A will of a connection that another one has replaced. */
function isOldWill(message: Connection, known: Connection): boolean {
  if (message.connectionState !== 'CONNECTION_BROKEN' || message.birthHeaderId === undefined) return false;
  return message.bootId !== known.bootId || message.birthHeaderId !== known.birthHeaderId;
}
