import { z } from 'zod';
import { headerShape, type TelemetryHeader } from './header.ts';
import { streamRow, type Stream, type StreamBody, type StreamDeclaringGaps } from './streams.ts';

/**
 * Messages of each stream that were made since the last delivered message of this stream and will never
 * arrive. Readers accept names that they do not know: streams are added without a new version.
 */
const gapsSchema = z.record(z.string().regex(/^[a-z]+(-[a-z]+)*$/), z.int().min(1));

type Gaps = z.infer<typeof gapsSchema>;

/** A message as it is on the wire. */
export type StreamPayload<Name extends Stream> = TelemetryHeader &
  StreamBody<Name> &
  (Name extends StreamDeclaringGaps ? { gaps: Gaps } : unknown);

/**
 * Schema of a stream's messages: header, body and, if the stream declares them, gaps.
 * @public for docs/asyncapi.json and receivers
 */
export function payloadSchemaOf<Name extends Stream>(name: Name): z.ZodType<StreamPayload<Name>> {
  const { body, declaresGaps } = streamRow(name);
  const schema = z.strictObject({
    ...headerShape,
    ...body.shape,
    ...(declaresGaps ? { gaps: gapsSchema } : {}),
  });
  return schema as unknown as z.ZodType<StreamPayload<Name>>;
}

/** Schema of a stream's messages without header and gaps. */
export function bodySchemaOf<Name extends Stream>(name: Name): z.ZodType<StreamBody<Name>> {
  return streamRow(name).body as unknown as z.ZodType<StreamBody<Name>>;
}
