import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openApiDocument } from '../../src/contract/fleet/openapi.ts';

it('keeps the OpenAPI document equal to the schemas of the API (npm run generate rewrites it)', async () => {
  const text = `${JSON.stringify(openApiDocument(), null, 2)}\n`;
  await expect(text).toMatchFileSnapshot(join(import.meta.dirname, '../../docs/openapi.json'));
});
