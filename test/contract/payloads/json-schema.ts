import { z } from 'zod';
import { historySchema } from '../../../src/contract/telemetry/history.ts';
import { payloadSchemaOf } from '../../../src/contract/telemetry/payloads.ts';
import type { Stream } from '../../../src/contract/telemetry/streams.ts';

/** What readers of a stream accept, as JSON Schema; of `history` what is in a batch once it is unpacked. */
export function payloadJsonSchema(stream: Stream): object {
  const schema = stream === 'history' ? historySchema : payloadSchemaOf(stream);
  // the schema of what is read, in which unknown fields are allowed
  return z.toJSONSchema(schema, { io: 'input' });
}
