import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { getPriority, tmpdir } from 'node:os';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { idlePriority, LOW_PRIORITY, type Priority } from '../../scripts/bootstrap/background-priority.mjs';
import { runGroups, type Result } from '../../scripts/bootstrap/group-schedule.mjs';
import { ROOT } from '../../scripts/bootstrap/paths.mjs';
import type { Group } from '../../scripts/bootstrap/test-groups.mjs';

let folder: string;
let printed: string[];
let modules = 0;

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'goshawk-groups-'));
  printed = [];
  vi.spyOn(console, 'log').mockImplementation((line: string) => void printed.push(line));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(folder, { recursive: true });
});

/** What the groups below are written with. They meet through files, whose names are those of events. */
const HELPERS = `
  import { spawn } from 'node:child_process';
  import { existsSync, writeFileSync } from 'node:fs';
  import { setTimeout as sleep } from 'node:timers/promises';
  const file = (event) => new URL(event, import.meta.url);
  const tell = (event, text = '') => writeFileSync(file(event), String(text));
  const isTold = (event) => existsSync(file(event));
  const heard = async (event) => { while (!isTold(event)) await sleep(10); };
  const ran = (passed = 1, failed = 0) => ({ passed, failed, skipped: 0 });
`;

/** A module of groups, as background processes load it. */
function write(groups: string): string {
  modules += 1;
  const module = path.join(folder, `groups-${String(modules)}.mjs`);
  writeFileSync(module, `${HELPERS}\nexport const GROUPS = [${groups}];\n`);
  return pathToFileURL(module).href;
}

/** At idle priority, a process may wait for minutes beside other tests. */
const PROMPT: Priority = { wrapper: [], niceness: 0 };

async function run(groups: string, obstacle?: string, idle = PROMPT): Promise<readonly Result[]> {
  const source = write(groups);
  const { GROUPS } = (await import(source)) as { GROUPS: Group[] };
  const selected = GROUPS.map(({ name }) => name);
  return await runGroups(GROUPS, { env: {}, hasRos: false, selected }, { source, obstacle, idle });
}

const tell = (event: string): void => {
  writeFileSync(path.join(folder, event), '');
};
const isTold = (event: string): boolean => existsSync(path.join(folder, event));
const told = (event: string): string => readFileSync(path.join(folder, event), 'utf8');
const outcomes = (results: readonly Result[]) =>
  results.map(({ group, counts }) => `${group} ${counts.passed}/${counts.failed}`);

/** True for a process that exists and is not merely waiting to be collected by its parent. */
function isAlive(pid: string): boolean {
  const stat = `/proc/${pid}/stat`;
  if (!existsSync(stat)) return false;
  const text = readFileSync(stat, 'utf8');
  return text.charAt(text.lastIndexOf(')') + 2) !== 'Z';
}

/** SCHED_IDLE is 5, where there is `chrt`. */
function isIdle(pid: string): boolean {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  const policy = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[38];
  return policy === '5' || getPriority(Number(pid)) === 19;
}

/** Whether this user may do so, tried with a process that is not part of the test. */
function mayEndYielding(): boolean {
  const [program = '', ...args] = [...idlePriority().wrapper, 'sleep', '1e6'];
  const sleeper = spawn(program, args, { stdio: 'ignore' });
  const pid = String(sleeper.pid);
  const tried = ['chrt -a -o -p 0', 'renice 0 -p'].map((command) =>
    spawnSync(`${command} ${pid}`, { shell: true, stdio: 'ignore' }),
  );
  sleeper.kill();
  return tried.every(({ status }) => status === 0);
}

describe('groups', () => {
  it('that only compute run beside those that wait, are waited for, and are listed in their order', async () => {
    const results = await run(`
      { name: 'lint', isLinter: true, run: async () => ran() },
      { name: 'math', inBackground: true, run: async () => {
        tell('math-began', process.pid);
        await heard('robots-ended');
        console.log('one line');
        console.error('and another');
        return { ...ran(5), skips: [{ reason: 'no GPU', command: 'npm test', tests: 1 }] };
      } },
      { name: 'unit', run: async () => ran(isTold('math-began') ? 0 : 3, 0) },
      { name: 'robots', waits: true, run: async () => {
        await heard('math-began');
        setTimeout(() => tell('robots-ended'), 50);
        return ran(7);
      } },`);
    expect(outcomes(results)).toEqual(['lint 1/0', 'math 5/0', 'unit 3/0', 'robots 7/0']);
    expect(results[1]!.counts.skips).toEqual([{ reason: 'no GPU', command: 'npm test', tests: 1 }]);
    expect(told('math-began')).not.toBe(String(process.pid));
    const text = printed.join('\n');
    expect(text).toContain('== math begins, in the background');
    expect(text).toMatch(
      /== math\none line\nand another\n== math: 5 passed, 0 failed in .* min, in the background/,
    );
    expect(text.indexOf('== math still runs')).toBeGreaterThan(text.indexOf('== robots: 7 passed'));
  });

  it('run in the background while others are still prepared there, and wait for their own preparation', async () => {
    const results = await run(`
      { name: 'big', inBackground: true,
        prepare: async () => { await heard('small-ended'); tell('big-prepared'); },
        run: async () => ran(isTold('big-prepared') ? 2 : 0) },
      { name: 'robots', waits: true, run: async () => { await heard('big-prepared'); return ran(); } },
      { name: 'small', inBackground: true, run: async () => { tell('small-ended'); return ran(); } },`);
    expect(outcomes(results)).toEqual(['big 2/0', 'robots 1/0', 'small 1/0']);
  });

  it('that fail in the background count, however they end', async () => {
    const results = await run(`
      { name: 'fails', inBackground: true, run: async () => ran(2, 1) },
      { name: 'throws', inBackground: true, run: async () => { throw new Error('no such tensor'); } },
      { name: 'exits', inBackground: true, run: async () => process.exit(3) },
      { name: 'is-killed', inBackground: true, run: async () => {
        tell('last');
        process.kill(process.pid, 'SIGKILL');
        await sleep(1e6);
      } },
      { name: 'robots', waits: true, run: async () => { await heard('last'); return ran(); } },`);
    expect(outcomes(results)).toEqual([
      'fails 2/1',
      'throws 0/1',
      'exits 0/1',
      'is-killed 0/1',
      'robots 1/0',
    ]);
    const text = printed.join('\n');
    expect(text).toContain('no such tensor');
    expect(text).toContain('exits ended without a result (exit code 3)');
    expect(text).toContain('is-killed ended without a result (SIGKILL)');
  });

  it('that have not begun in the background when the others end run as the others', async () => {
    const results = await run(`
      { name: 'first', inBackground: true, run: async () => {
        tell('first-began');
        await heard('robots-ended');
        return ran();
      } },
      { name: 'second', inBackground: true, run: async () => { tell('second-ran', process.pid); return ran(); } },
      { name: 'robots', waits: true, run: async () => {
        await heard('first-began');
        setTimeout(() => tell('robots-ended'), 50);
        return ran();
      } },`);
    expect(outcomes(results)).toEqual(['first 1/0', 'second 1/0', 'robots 1/0']);
    expect(told('second-ran')).toBe(String(process.pid));
  });

  it('run one after another where nothing can run in the background', async () => {
    const groups = `
      { name: 'math', inBackground: true, run: async () => { tell('math-ran', process.pid); return ran(); } },
      { name: 'robots', waits: true, prepare: async () => tell('prepared'),
        run: async () => ran(isTold('math-ran') ? 1 : 0) },`;
    expect(outcomes(await run(groups, 'there is one core'))).toEqual(['math 1/0', 'robots 1/0']);
    expect(printed).toContain('nothing runs in the background: there is one core');
    expect(told('math-ran')).toBe(String(process.pid));
    expect(isTold('prepared')).toBe(false);
  });

  it('run in the foreground if none of the others waits, and alone', async () => {
    const group = `
      { name: 'math', inBackground: true, prepare: async () => tell('prepared'),
        run: async () => { tell('math-ran', process.pid); return ran(); } },`;
    for (const more of ['', `{ name: 'unit', run: async () => ran() },`]) {
      await run(group + more);
      expect(told('math-ran')).toBe(String(process.pid));
      expect(isTold('prepared')).toBe(false);
    }
  });
});

describe('what a group needs', () => {
  it('is installed in the background from the start, one after another, before the group begins', async () => {
    const results = await run(`
      { name: 'unit', run: async () => { await heard('late-begins'); return ran(); } },
      { name: 'late', waits: true,
        prepare: async () => { tell('late-begins', process.pid); await sleep(100); tell('late-installed'); },
        run: async () => ran(isTold('late-installed') ? 1 : 0, 0) },
      { name: 'math', inBackground: true,
        prepare: async () => tell('math-installed', isTold('late-installed')),
        run: async () => ran(isTold('math-installed') ? 1 : 0, 0) },`);
    expect(outcomes(results)).toEqual(['unit 1/0', 'late 1/0', 'math 1/0']);
    expect(told('late-begins')).not.toBe(String(process.pid));
    expect(told('math-installed')).toBe('true');
  });

  it('is no longer installed at a lower priority once the group waits for it', async () => {
    const results = run(`
      { name: 'unit', run: async () => { await heard('unit-ends'); return ran(); } },
      { name: 'late', waits: true,
        prepare: async () => { tell('late-begins', process.pid); await heard('late-ends'); },
        run: async () => ran() },`);
    await expect.poll(() => isTold('late-begins') && told('late-begins')).toMatch(/^\d+$/);
    const pid = Number(told('late-begins'));
    expect(getPriority(pid)).toBeGreaterThanOrEqual(LOW_PRIORITY.niceness);
    tell('unit-ends');
    if (mayEndYielding()) await expect.poll(() => getPriority(pid)).toBe(0);
    tell('late-ends');
    expect(outcomes(await results)).toEqual(['unit 1/0', 'late 1/0']);
  });

  it('and cannot be installed is reported once, by the group', async () => {
    const errors = vi.spyOn(console, 'error').mockImplementation(() => undefined);
    const results = await run(`
      { name: 'unit', run: async () => ran() },
      { name: 'late', waits: true,
        prepare: async () => { tell('tried'); throw new Error('no network'); },
        run: async () => { throw new Error('no network'); } },`);
    expect(outcomes(results)).toEqual(['unit 1/0', 'late 0/1']);
    expect(isTold('tried')).toBe(true);
    expect(errors.mock.calls.flat().map(String)).toEqual(['Error: no network']);
    expect(printed.join('\n')).not.toContain('no network');
  });
});

describe('processes in the background', () => {
  it('and what they start let others go first, until these have ended', { timeout: 600_000 }, async () => {
    const results = run(
      `
      { name: 'math', inBackground: true, run: async () => {
        const child = spawn('sleep', ['1e6'], { stdio: 'ignore', detached: true });
        tell('math-ran', [process.pid, child.pid].join(' '));
        await heard('end');
        return ran();
      } },
      { name: 'robots', waits: true, run: async () => { await heard('robots-end'); return ran(); } },`,
      undefined,
      idlePriority(),
    );
    await expect
      .poll(() => isTold('math-ran') && told('math-ran'), { timeout: 500_000 })
      .toMatch(/^\d+ \d+$/);
    const [task = '', child = ''] = told('math-ran').split(' ');
    expect([task, child].map(isIdle)).toEqual([true, true]);
    tell('robots-end');
    if (mayEndYielding()) await expect.poll(() => [task, child].map(isIdle)).toEqual([false, false]);
    tell('end');
    expect(outcomes(await results)).toEqual(['math 1/0', 'robots 1/0']);
    await expect.poll(() => isAlive(child)).toBe(false);
  });

  it.each(['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGKILL'] as const)(
    'end with the process of the tests, with what they started: %s',
    async (signal) => {
      const source = write(`
        { name: 'unit', run: async () => ran() },
        { name: 'math', inBackground: true, run: async () => {
          const sleeper = spawn('sleep', ['1e6'], { stdio: 'ignore', detached: true });
          const inherits = spawn('sleep', ['1e6'], { stdio: 'inherit' });
          tell('pids', [process.pid, sleeper.pid, inherits.pid].join(' '));
          await heard('never');
        } },
        { name: 'robots', waits: true, run: async () => { await heard('never'); } },`);
      const schedule = pathToFileURL(path.join(ROOT, 'scripts/bootstrap/group-schedule.mjs')).href;
      const program = `
        import { runGroups } from '${schedule}';
        import { GROUPS } from '${source}';
        await runGroups(GROUPS, { env: {}, hasRos: false, selected: [] }, {
          source: '${source}', obstacle: undefined, idle: ${JSON.stringify(PROMPT)},
        });
      `;
      const main = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: 'ignore' });
      const ended = once(main, 'exit');
      await expect.poll(() => isTold('pids') && told('pids')).toMatch(/^\d+ \d+ \d+$/);
      const pids = told('pids').split(' ');
      expect(pids.every(isAlive)).toBe(true);
      main.kill(signal);
      expect(await ended).toEqual([null, signal]);
      await expect.poll(() => pids.filter(isAlive)).toEqual([]);
    },
  );
});
