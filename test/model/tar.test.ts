import { spawnSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { sha256Of } from '../../src/platform/digest.ts';
import { makeTar } from '../../src/model/tar.ts';
import { itWith, TAR } from '../support/needs.ts';

const ENTRIES = [
  { name: 'model.onnx', data: new Uint8Array(1300).fill(7) },
  { name: 'bundle.json', data: new TextEncoder().encode('{"a": 1}\n') },
  { name: 'empty', data: new Uint8Array(0) },
  { name: 'block', data: new Uint8Array(512).fill(9) },
];

it('the bytes of an archive never change', () => {
  expect(sha256Of(makeTar(ENTRIES))).toBe('5e4af81f1bf4d7dee4b0d914c0f724b3198b4c9f876730c3b779a833d59f34f0');
});

it('writes the same archive in any order of files', () => {
  expect(Buffer.compare(makeTar(ENTRIES), makeTar([...ENTRIES].reverse()))).toBe(0);
});

it.each(['', 'ä', 'x'.repeat(101), 'line\nbreak'])('refuses the name %j', (name) => {
  expect(() => makeTar([{ name, data: new Uint8Array(1) }])).toThrow(RangeError);
});

itWith(TAR, 'tar reads the same files back', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'goshawk-tar-'));
  try {
    await writeFile(join(folder, 'out.tar'), makeTar(ENTRIES));
    const { status, stderr } = spawnSync('tar', ['-xf', 'out.tar'], { cwd: folder, encoding: 'utf8' });
    expect(stderr).toBe('');
    expect(status).toBe(0);
    for (const { name, data } of ENTRIES) {
      expect(Buffer.compare(await readFile(join(folder, name)), data)).toBe(0);
    }
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
