import { Validator } from '@seriousme/openapi-schema-validator';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { openApiDocument } from '../../src/contract/fleet/openapi.ts';

it('keeps the OpenAPI document equal to the schemas of the API (npm run generate rewrites it)', async () => {
  const text = `${JSON.stringify(openApiDocument(), null, 2)}\n`;
  await expect(text).toMatchFileSnapshot(join(import.meta.dirname, '../../docs/openapi.json'));
});

it('is OpenAPI 3.1 for a validator that is not ours, whose references all lead somewhere', async () => {
  const document = JSON.parse(JSON.stringify(openApiDocument())) as Record<string, unknown>;
  const validator = new Validator();
  expect(await validator.validate(structuredClone(document))).toEqual({ valid: true });
  expect(validator.version).toBe('3.1');
  const references = [...JSON.stringify(document).matchAll(/"\$ref":"#\/([^"]+)"/g)].map(
    ([, path = '']) => path,
  );
  expect(references.length).toBeGreaterThan(0);
  for (const reference of new Set(references)) {
    const found = reference
      .split('/')
      .reduce<unknown>((at, key) => (at as Record<string, unknown>)?.[key], document);
    expect(found, reference).toBeDefined();
  }
  const wrong = { ...document, paths: { '/x': { get: { responses: 7 } } } };
  expect((await validator.validate(wrong)).valid).toBe(false);
});
