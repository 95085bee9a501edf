import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { HostReader } from '../../../src/device/host/host-reader.ts';
import { coresBetween, NO_TIMES, readThreadTimes } from '../../../src/device/host/thread-reader.ts';
import { nameThreadsOf } from '../../../src/platform/thread-name.ts';

const stat = (name: string, user: number, system: number): string =>
  `1 (${name}) S 1 1 1 0 -1 0 0 0 0 0 ${String(user)} ${String(system)} 0 0 20 0`;

describe('CPU by the work of threads', () => {
  it('is the time of all threads of a name, in cores; odd names are others', () => {
    const files: Record<string, string> = { stat: '10 (node) S' };
    const read = (file: string): string | undefined => files[file];
    Object.assign(files, {
      'task/10/stat': stat('MainThread', 100, 0),
      'task/11/stat': stat('gh-inference', 0, 0),
      'task/12/stat': stat('gh-inference', 5, 5),
      'task/13/stat': stat(') S (odd', 0, 0),
    });
    const threads = ['10', '11', '12', '13', '14'];
    const before = readThreadTimes(threads, read, 0);
    files['task/10/stat'] = stat('MainThread', 150, 50);
    files['task/11/stat'] = stat('gh-inference', 100, 0);
    files['task/13/stat'] = stat(') S (odd', 1, 0);
    const now = readThreadTimes(threads, read, 10_000);
    expect(coresBetween(before, now)).toEqual({ main: 0.1, inference: 0.1, other: 0.001 });
  });

  it('counts child processes that compute as their work, and no others', () => {
    const files: Record<string, string> = {
      stat: '10 (node) S',
      'task/10/stat': stat('MainThread', 1, 0),
      'task/10/children': '20 21 22 ',
      '../20/stat': stat('gh-inference', 30, 10),
      '../21/stat': stat('bash', 99, 0),
    };
    const before = readThreadTimes(['10'], (file) => files[file], 1_000);
    expect(coresBetween(NO_TIMES, before)).toEqual({ main: 0.01, inference: 0.4 });
    // one has been replaced, as when the engine moves to another setting
    Object.assign(files, { 'task/10/children': '22 ', '../22/stat': stat('gh-inference', 20, 5) });
    const now = readThreadTimes(['10'], (file) => files[file], 2_000);
    expect(coresBetween(before, now)).toEqual({ main: 0, inference: 0.25 });
  });

  it('is read of a real child process that names itself', async () => {
    const name = "require('fs').writeFileSync('/proc/thread-self/comm', 'gh-inference');";
    const work = 'for (const end = Date.now() + 100; Date.now() < end;);';
    const child = spawn(process.execPath, ['-e', `${name}${work}console.log(1);setInterval(() => 0, 1e6)`]);
    await once(child.stdout, 'data');
    const read = (file: string): string | undefined => {
      const path = join('/proc/self', file);
      return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
    };
    const times = readThreadTimes(readdirSync('/proc/self/task'), read, 1_000);
    child.kill();
    expect(coresBetween(NO_TIMES, times)['inference']).toBeGreaterThan(0);
  });

  it('is read of this process, with the free bytes of a disk whose folder is not made yet', () => {
    const reader = {};
    let nowMs = 0;
    const host = new HostReader('/', { disk: '/tmp/not/made/yet', nowMs: () => (nowMs += 1_000) });
    host.read(reader);
    const { cpuByThread, diskFreeBytes, diskTotalBytes } = host.read(reader);
    expect(cpuByThread).toHaveProperty('main');
    expect(diskFreeBytes).toBeLessThanOrEqual(diskTotalBytes ?? 0);
  });

  it('needs no name to do the work', () => {
    expect(nameThreadsOf('ros', () => 7)).toBe(7);
  });
});
