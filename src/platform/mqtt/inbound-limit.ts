/** What a broker has to say to a robot, acknowledgements, fits into a small part of this. */
const BYTES_PER_SECOND = 64 * 1024;
const BURST_BYTES = 512 * 1024;

/** Taking a message apart costs as much time as this many bytes. */
const MESSAGE_BYTES = 512;

/** An acknowledgement that is larger is not read either. */
const MAX_PACKET_BYTES = 320 * 1024;

/**
 * Bounds what a client takes from a broker, so that one that sends without end, or a packet without end, costs neither
 * the processor nor the memory that perception needs. Knows no sockets and no clock.
 */
export class InboundLimit {
  #left = BURST_BYTES;
  #atMs: number;
  #packetBytes = 0;

  /** @param nowMs monotonic, as for the other functions */
  constructor(nowMs: number) {
    this.#atMs = nowMs;
  }

  /** Bytes arrived. @returns why the connection is to end; null if it may go on */
  noteBytes(count: number, nowMs: number): string | null {
    this.#packetBytes += count;
    if (this.#packetBytes > MAX_PACKET_BYTES)
      return `it sends a packet of more than ${MAX_PACKET_BYTES / 1024} KiB`;
    return this.#spend(count, nowMs);
  }

  /** A packet is complete. @param isMessage false for answers to what the client sent. @returns as `noteBytes` */
  notePacket(isMessage: boolean, nowMs: number): string | null {
    this.#packetBytes = 0;
    return this.#spend(isMessage ? MESSAGE_BYTES : 0, nowMs);
  }

  #spend(bytes: number, nowMs: number): string | null {
    const earned = ((nowMs - this.#atMs) / 1000) * BYTES_PER_SECOND;
    this.#atMs = nowMs;
    this.#left = Math.min(BURST_BYTES, this.#left + earned) - bytes;
    if (this.#left >= 0) return null;
    return `it sends more than ${BYTES_PER_SECOND / 1024} KiB a second, or more messages than acknowledgements take`;
  }
}
