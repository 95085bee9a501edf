import { z } from 'zod';
import { headerShape, type TelemetryHeader } from './header.ts';
import { streamRow, type Stream, type StreamBody } from './streams.ts';

/** A message as it is on the wire. */
export type StreamPayload<Name extends Stream> = TelemetryHeader & StreamBody<Name>;

/**
 * Schema of a stream's messages: header and body. It ignores fields that it does not know, since fields are added
 * within a version of the topics.
 */
export function payloadSchemaOf<Name extends Stream>(name: Name): z.ZodType<StreamPayload<Name>> {
  const schema = z.object({ ...headerShape, ...streamRow(name).body.shape });
  return schema as unknown as z.ZodType<StreamPayload<Name>>;
}

/** Schema of a stream's messages without their header. */
export function bodySchemaOf<Name extends Stream>(name: Name): z.ZodType<StreamBody<Name>> {
  return streamRow(name).body as unknown as z.ZodType<StreamBody<Name>>;
}
