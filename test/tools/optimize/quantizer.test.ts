import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Quantizer, QuantizerError } from '../../../src/tools/optimize/quantizer.ts';
import { scratchFolder } from './scratch.ts';

const folder = scratchFolder();
const log = join(folder, 'quantizer.log');

function open(signal = new AbortController().signal): Quantizer {
  const args = [join(import.meta.dirname, 'fake-quantizer.mjs')];
  const quantizer = new Quantizer(
    { command: process.execPath, args, env: process.env, codeDigest: '' },
    log,
    signal,
  );
  onTestFinished(() => quantizer.close());
  return quantizer;
}

const failure = (kind: string, message: RegExp): unknown =>
  expect.objectContaining({
    name: 'QuantizerError',
    kind,
    message: expect.stringMatching(message) as string,
  });

describe('Quantizer', () => {
  it('answers, reports progress, and records peak memory', async () => {
    const quantizer = open();
    const shares: number[] = [];
    expect(await quantizer.request('calibrate', { how: 'progress' }, (share) => shares.push(share))).toEqual({
      tensors: 5,
    });
    expect(shares).toEqual([0.25, 1]);
    await quantizer.request('calibrate', {});
    expect(quantizer.peakBytes).toBe(2000);
  });

  it.each(['bad-model', 'unsupported', 'internal'])(
    'reports why a request of kind %s failed, and continues',
    async (kind) => {
      const quantizer = open();
      const request = quantizer.request('calibrate', { how: kind });
      await expect(request).rejects.toEqual(failure(kind, new RegExp(`because of ${kind}`)));
      expect(await quantizer.request('calibrate', {})).toEqual({ tensors: 5 });
    },
  );

  it('reports a full disk with its code', async () => {
    const request = open().request('calibrate', { how: 'no-space' });
    await expect(request).rejects.toMatchObject({ code: 'GOSHAWK_NO_SPACE', details: { path: folder } });
  });

  it('survives a crash by starting a new process for the next request', async () => {
    const quantizer = open();
    const pid = async () => (await quantizer.request('hello', {})).versions['pid'];
    const before = await pid();
    await expect(quantizer.request('calibrate', { how: 'crash' })).rejects.toEqual(
      failure('crashed', /ended with code 3: MemoryError: no more/),
    );
    expect(readFileSync(log, 'utf8')).toContain('Traceback');
    await expect(quantizer.request('calibrate', { how: 'killed' })).rejects.toEqual(
      failure('crashed', /SIGKILL \(the system may have run out of memory\)/),
    );
    expect(await pid()).not.toBe(before);
  });

  it('does not accept nonsense as an answer', async () => {
    const quantizer = open();
    await expect(quantizer.request('calibrate', { how: 'garbage' })).rejects.toEqual(
      failure('internal', /Segmentation fault/),
    );
    await expect(quantizer.request('calibrate', { how: 'wrong' })).rejects.toBeInstanceOf(QuantizerError);
    expect(await quantizer.request('calibrate', {})).toEqual({ tensors: 5 });
  });

  it('ends immediately when aborted', async () => {
    const stop = new AbortController();
    const quantizer = open(stop.signal);
    const request = quantizer.request('calibrate', { how: 'silent' });
    stop.abort(new Error('stopped'));
    await expect(request).rejects.toThrow('stopped');
    await expect(quantizer.request('calibrate', {})).rejects.toThrow('stopped');
  });

  it('reports a program that does not exist', async () => {
    const command = { command: join(folder, 'nothing'), args: [], env: {}, codeDigest: '' };
    const quantizer = new Quantizer(command, log, new AbortController().signal);
    await expect(quantizer.request('hello', {})).rejects.toEqual(failure('crashed', /ENOENT/));
  });
});
