import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { tryLock, unlock, withLock } from '../../../src/tools/optimize/lock.ts';
import { scratchFolder } from './scratch.ts';

const folder = scratchFolder();
const never = new AbortController().signal;

describe('tryLock', () => {
  it('is acquired once, and again after its release', async () => {
    const file = join(folder, 'once');
    expect(await tryLock(file)).toBeNull();
    expect(await tryLock(file)).toBe(process.pid);
    await unlock(file);
    expect(await tryLock(file)).toBeNull();
  });

  it('is taken over from a killed process, and from one whose number was reused', async () => {
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)']);
    const file = join(folder, 'killed');
    const stat = readFileSync(`/proc/${child.pid}/stat`, 'utf8');
    const start = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]!;
    writeFileSync(file, `${child.pid} ${start}`);
    expect(await tryLock(file)).toBe(child.pid);
    child.kill('SIGKILL');
    await once(child, 'close');
    expect(await tryLock(file)).toBeNull();
    writeFileSync(file, `${process.pid} 1`);
    expect(await tryLock(file)).toBeNull();
  });

  it('is taken over if a full disk left it empty', async () => {
    const file = join(folder, 'empty');
    writeFileSync(file, '');
    expect(await tryLock(file)).toBeNull();
  });
});

describe('withLock', () => {
  it('releases the lock when the work fails', async () => {
    const file = join(folder, 'work');
    await expect(withLock(file, never, () => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(await tryLock(file)).toBeNull();
  });

  it('stops waiting when aborted', async () => {
    const file = join(folder, 'wait');
    expect(await tryLock(file)).toBeNull();
    const stop = new AbortController();
    const waiting = withLock(file, stop.signal, () => Promise.resolve());
    stop.abort();
    await expect(waiting).rejects.toThrow();
  });
});
