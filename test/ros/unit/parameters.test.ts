import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { CAMERA_PARAMETERS } from '../../../src/ros/camera/parameters.ts';
import { DETECTOR_PARAMETERS } from '../../../src/ros/detector/parameters.ts';
import { parseParameterFile } from '../../../src/ros/parameters/files.ts';
import { parameterFileSchema } from './parameter-file-schema.ts';
import { checkParameter, howToWrite, type ParameterSpec } from '../../../src/contract/parameters.ts';

const common = { description: 'd', read: 'always' as const };
const ratio: ParameterSpec = { kind: 'double', default: 0.5, min: 0, max: 1, ...common };
const count: ParameterSpec = { kind: 'int', default: 1, min: 1, max: 10, ...common };
const auto: ParameterSpec = { kind: 'int', default: 0, min: 0, max: 10, words: { auto: 0 }, ...common };

function repositoryFile(path: string): string {
  return readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
}

describe('checkParameter', () => {
  it.each<[ParameterSpec, unknown, unknown]>([
    [ratio, 0.3, 0.3],
    [ratio, 1, 1],
    [ratio, 1n, 1],
    [count, 10n, 10],
    [auto, 'auto', 0],
    [auto, 0, 0],
    [auto, 2n, 2],
    [{ kind: 'bool', default: true, ...common }, false, false],
    [{ kind: 'string', default: 'a', oneOf: ['a', 'b'], ...common }, 'b', 'b'],
    [{ kind: 'string[]', default: [], ...common }, [], []],
    [{ kind: 'string[]', default: [], ...common }, 'traffic light, red', ['traffic light, red']],
    [{ kind: 'string[]', default: [], ...common }, '', []],
    [{ kind: 'string[]', default: [], separator: ',', ...common }, '/front/image_raw', ['/front/image_raw']],
    [{ kind: 'string[]', default: [], separator: ',', ...common }, '/a, /b', ['/a', '/b']],
    [{ kind: 'string[]', default: [], separator: ',', oneOf: ['cuda', 'cpu'], ...common }, 'cpu', ['cpu']],
  ])('takes %j = %s', (spec, value, taken) => {
    expect(checkParameter(spec, value)).toEqual({ ok: true, value: taken });
  });

  it.each<[ParameterSpec, unknown, string]>([
    [ratio, NaN, 'from 0 to 1'],
    [ratio, 1.0001, 'from 0 to 1'],
    [ratio, '0.5', 'a number, not a string'],
    [count, 2.5, 'a whole number'],
    [count, 0, 'from 1 to 10'],
    [count, null, 'not nothing'],
    [count, 'auto', 'a whole number, not a string'],
    [auto, 'automatic', 'a whole number or auto, not a string'],
    [auto, 'toString', 'a whole number or auto, not a string'],
    [auto, 11, 'from 0 to 10'],
    [{ kind: 'bool', default: true, ...common }, 1, 'a boolean, not a number'],
    [{ kind: 'string', default: 'a', oneOf: ['a', 'b'], ...common }, 'c', '"c" is not one of a, b'],
    [{ kind: 'string[]', default: [], oneOf: ['a'], ...common }, ['a', 'z'], '"z" is not one of a'],
    [{ kind: 'string[]', default: [], ...common }, ['a', 1], 'a list of strings, but contains a number'],
    [{ kind: 'string[]', default: [], ...common }, 7, 'a list of strings, not a number'],
    [
      { kind: 'string[]', default: [], separator: ',', oneOf: ['cpu'], ...common },
      'cpu,gpu',
      '"gpu" is not one',
    ],
    [{ kind: 'string', default: '', ...common }, { a: 1 }, 'a map'],
  ])('refuses %j = %s and says why', (spec, value, reason) => {
    const checked = checkParameter(spec, value);
    expect(checked.ok).toBe(false);
    expect(checked).toHaveProperty('reason', expect.stringContaining(reason));
  });

  it('has a hint for each refusal that says how to write such a value', () => {
    expect(howToWrite(ratio)).toBe('give a number from 0 to 1');
    expect(howToWrite(auto)).toBe('give a whole number from 0 to 10 or auto');
    expect(howToWrite({ kind: 'bool', default: true, ...common })).toBe('give true or false');
    expect(howToWrite({ kind: 'string', default: 'a', oneOf: ['a', 'b'], ...common })).toBe(
      'give one of a, b',
    );
    expect(howToWrite({ kind: 'string[]', default: [], ...common })).toMatch(
      /a list of strings, such as \[a, b\]/,
    );
  });

  it('never throws, and accepts a number only within its range', () => {
    fc.assert(
      fc.property(fc.anything({ withBigInt: true }), (value) => {
        const checked = checkParameter(ratio, value);
        if (checked.ok) expect(Number(value)).toBe(checked.value);
      }),
    );
  });
});

describe.each([
  ['detector', DETECTOR_PARAMETERS],
  ['camera', CAMERA_PARAMETERS],
])('the table of the %s', (_name, table: Readonly<Record<string, ParameterSpec>>) => {
  it.each(Object.entries(table))('%s has a valid default and a description', (name, spec) => {
    expect(name).toMatch(/^[a-z][a-z0-9_]*$/);
    expect(checkParameter(spec, spec.default)).toEqual({ ok: true, value: spec.default });
    expect(spec.description).toMatch(/^[A-Za-z].*\.$/);
  });
});

describe('launch/params', () => {
  const schema = parameterFileSchema("Parameters of Goshawk's detector", DETECTOR_PARAMETERS);
  const validate = new Ajv2020({ strict: true }).compile(schema);

  it('schema.json is the schema of the table (npm run generate rewrites it)', async () => {
    const file = fileURLToPath(new URL('../../../launch/params/schema.json', import.meta.url));
    const options = { ...(await resolveConfig(file)), parser: 'json' };
    await expect(await format(JSON.stringify(schema), options)).toMatchFileSnapshot(file);
  });

  it('detector.yaml follows the schema and contains the defaults', () => {
    const text = repositoryFile('launch/params/detector.yaml');
    expect(validate(parse(text)), JSON.stringify(validate.errors)).toBe(true);
    const sections = parseParameterFile(text, 'detector.yaml');
    for (const { values } of sections) {
      for (const [name, value] of values) {
        const spec: ParameterSpec = DETECTOR_PARAMETERS[name as keyof typeof DETECTOR_PARAMETERS];
        expect([name, checkParameter(spec, value)]).toEqual([name, { ok: true, value: spec.default }]);
      }
    }
  });

  it.each([
    { '/**': { ros__parameters: { score_threshold: 1.5 } } },
    { '/**': { ros__parameters: { score_treshold: 0.5 } } },
    { '/**': { ros__parameters: { providers: ['gpu'] } } },
    { '/**': { ros__parameters: { workers: 'automatic' } } },
    { '/**': { ros__parameters: { workers: 17 } } },
    { '/**': { parameters: {} } },
    {},
  ])('the schema refuses %j', (content) => {
    expect(validate(content)).toBe(false);
  });
});
