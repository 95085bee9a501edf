import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { z } from 'zod';
import {
  MeasurementCache,
  measurementFolder,
  type MeasurementKey,
} from '../../../src/device/machine/measurement-cache.ts';

const KEY: MeasurementKey = {
  what: 'variants',
  bundleDigest: 'a'.repeat(64),
  fingerprint: 'b'.repeat(64),
  threads: 1,
};
const VALUE = { p50: 2.5 };
const valueSchema = z.strictObject({ p50: z.number() });

let folder = '';
let lines: string[] = [];
let cache: MeasurementCache;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'goshawk-cache-'));
  lines = [];
  cache = new MeasurementCache((line) => lines.push(line), folder);
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const fileName = async (): Promise<string> => {
  await cache.write(KEY, VALUE);
  return join(folder, readdirSync(folder)[0]!);
};

describe('stored measurements', () => {
  it('are returned unchanged, whatever the order of the key', async () => {
    await cache.write(KEY, VALUE);
    const turned = Object.fromEntries(Object.entries(KEY).reverse()) as unknown as MeasurementKey;
    expect(await cache.read(turned, valueSchema)).toEqual(VALUE);
    expect(lines).toEqual([]);
  });

  it('belong to one key, and nothing is logged if there is none', async () => {
    await cache.write(KEY, VALUE);
    expect(await cache.read({ ...KEY, fingerprint: 'c'.repeat(64) }, valueSchema)).toBeNull();
    expect(await cache.read({ ...KEY, threads: 2 }, valueSchema)).toBeNull();
    expect(lines).toEqual([]);
  });

  it('are replaced atomically and leave no drafts', async () => {
    await cache.write(KEY, VALUE);
    await cache.write(KEY, { p50: 3 });
    expect(await cache.read(KEY, valueSchema)).toEqual({ p50: 3 });
    expect(readdirSync(folder)).toHaveLength(1);
  });

  it('are bounded in number', async () => {
    for (let i = 0; i < 260; i += 1) await cache.write({ ...KEY, threads: i }, VALUE);
    expect(readdirSync(folder)).toHaveLength(256);
    expect(await cache.read({ ...KEY, threads: 259 }, valueSchema)).toEqual(VALUE);
  });
});

describe('an invalid measurement', () => {
  const refused = async (reason: RegExp): Promise<void> => {
    expect(await cache.read(KEY, valueSchema)).toBeNull();
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^GOSHAWK_CACHE_IGNORED: /);
    expect(lines[0]).toMatch(reason);
  };

  it('a truncated file', async () => {
    const file = await fileName();
    const text = readFileSync(file, 'utf8');
    writeFileSync(file, text.slice(0, text.length / 2));
    await refused(/JSON/);
  });

  it('a file of another machine under this name', async () => {
    const file = await fileName();
    writeFileSync(file, readFileSync(file, 'utf8').replace('b'.repeat(64), 'c'.repeat(64)));
    await refused(/another bundle, machine or measurement/);
  });

  it('another form', async () => {
    await cache.write(KEY, { p50: 'fast' });
    await refused(/p50/);
  });

  it('a file that is too large', async () => {
    writeFileSync(await fileName(), ' '.repeat(70_000));
    await refused(/70000 bytes/);
  });

  it('JSON that is nested very deep', async () => {
    writeFileSync(await fileName(), '['.repeat(60_000));
    await refused(/nested/);
  });

  it('a folder', async () => {
    const file = await fileName();
    rmSync(file);
    mkdirSync(file);
    await refused(/not a regular file/);
  });

  it('a FIFO, which is not waited for', async () => {
    const file = await fileName();
    rmSync(file);
    execFileSync('mkfifo', [file]);
    await refused(/not a regular file/);
  });
});

describe('a folder that cannot be written', () => {
  it('is reported once, and nothing fails', async () => {
    const file = join(folder, 'taken');
    writeFileSync(file, '');
    const broken = new MeasurementCache((line) => lines.push(line), join(file, 'below'));
    await broken.write(KEY, VALUE);
    await broken.write(KEY, VALUE);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/^GOSHAWK_CACHE_UNWRITABLE: .*GOSHAWK_CACHE/);
  });
});

describe('the folder', () => {
  it('is the configured one, else in the cache of the user', () => {
    expect(measurementFolder({ GOSHAWK_CACHE: '/data/cache' })).toBe('/data/cache');
    expect(measurementFolder({ XDG_CACHE_HOME: '/home/robot/c' })).toBe('/home/robot/c/goshawk/measurements');
    expect(measurementFolder({})).toMatch(/\.cache\/goshawk\/measurements$/);
  });
});
