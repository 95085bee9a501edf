import type { Stamp } from '../frame.ts';
import type { CdrCursor } from './cursor.ts';

/** `std_msgs/msg/Header`. */
export interface MessageHeader {
  readonly stamp: Stamp;
  readonly frameId: string;
}

/**
 * Reads a header. A second or more in nanoseconds is refused, because such a stamp cannot be ordered among
 * others.
 */
export function readHeader(cursor: CdrCursor): MessageHeader {
  const sec = cursor.int32('header.stamp.sec');
  const nanosec = cursor.uint32('header.stamp.nanosec');
  if (nanosec > 999_999_999) cursor.fail('malformed', `header.stamp.nanosec is ${nanosec}, above 999999999`);
  const frameId = cursor.string('header.frame_id');
  return { stamp: { sec, nanosec }, frameId };
}
