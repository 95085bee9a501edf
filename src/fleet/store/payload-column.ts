/**
 * SQL: the payload of a row `m` of `fleet.messages`, as JSON. Migration 008 left what was stored before it as it was.
 */
export const PAYLOAD = 'coalesce(m.payload, m.payload_before::text::json)';
