/** A message as it came from a broker. */
export interface Received {
  /** which of the brokers it came from: its acknowledgement goes there */
  readonly link: number;
  readonly topic: string;
  readonly payload: Uint8Array;
  /** wall clock, milliseconds */
  readonly receivedMs: number;
  /** the broker had kept it, so it may be of any age */
  readonly isRetained?: boolean;
  /** it came in a batch of messages that waited */
  readonly isHistory?: true;
}
