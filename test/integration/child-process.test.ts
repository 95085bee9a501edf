import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { childEnvironment } from '../../src/platform/child-environment.ts';
import {
  ChildProcess,
  describeEnd,
  readCommand,
  requireChild,
  runChild,
  type ChildOptions,
} from '../../src/platform/child-process.ts';

const folder = mkdtempSync(join(tmpdir(), 'goshawk-child-'));

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

function shell(script: string, more: Partial<ChildOptions> = {}): ChildOptions {
  return { command: 'sh', args: ['-c', script], env: childEnvironment(), ...more };
}

/** Waits until the process has exited, or half a minute has passed. */
async function isGone(pid: number): Promise<boolean> {
  for (let i = 0; i < 1_500; i += 1) {
    // a zombie that nobody has waited for counts as exited
    const stat = existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, 'utf8') : '';
    if (stat === '' || stat.includes(') Z ')) return true;
    await sleep(20);
  }
  return false;
}

describe('runChild', () => {
  it('returns both streams and the exit code', async () => {
    const result = await runChild(shell('echo out; echo err >&2; exit 3'));
    expect(result).toMatchObject({ code: 3, signal: null, error: null });
    expect(result.output.split('\n').sort()).toEqual(['', 'err', 'out']);
    expect(describeEnd(result)).toBe('ended with code 3');
  });

  it('passes arguments unchanged, without a shell', async () => {
    const args = ['-e', 'console.log(process.argv[1])', '$HOME; `id`'];
    const { output } = await runChild({ command: process.execPath, args, env: childEnvironment() });
    expect(output).toBe('$HOME; `id`\n');
  });

  it('keeps the end of a long output', async () => {
    const { output } = await runChild(
      shell('yes 0123456789 | head -n 100000; echo end', { keptOutput: 100 }),
    );
    expect(output).toHaveLength(100);
    expect(output.endsWith('0123456789\nend\n')).toBe(true);
  });

  it('reports that a missing program could not be started', async () => {
    const result = await runChild({ command: 'goshawk-no-such-program', args: [], env: childEnvironment() });
    expect(result).toMatchObject({ code: null, signal: null });
    expect(describeEnd(result)).toMatch(/^could not be started: .*ENOENT/);
  });

  it('reports the signal that ended it', async () => {
    const result = await runChild(shell('kill -SEGV $$'));
    expect(describeEnd(result)).toBe('was ended by SIGSEGV');
  });

  it('kills one that takes too long, although it ignores SIGTERM', async () => {
    const script = 'trap "" TERM; echo started; while :; do sleep 0.05; done';
    const child = new ChildProcess(shell(script, { graceMs: 100 }));
    await expect.poll(() => child.output).toBe('started\n');
    expect(await child.stop('SIGTERM')).toMatchObject({ code: null, signal: 'SIGKILL' });
  });

  it('rejects with the reason of its signal, and its children are gone too', async () => {
    const controller = new AbortController();
    const pids: number[] = [];
    const onLine = (line: string): void => {
      pids.push(Number(line));
      controller.abort(new Error('enough'));
    };
    const options = { ownGroup: true, onLine, signal: controller.signal };
    await expect(runChild(shell('sleep 60 & echo $!; wait', options))).rejects.toThrow('enough');
    expect(pids).toHaveLength(1);
    expect(await isGone(pids[0] ?? 0)).toBe(true);
    await expect(runChild(shell('echo never', options))).rejects.toThrow('enough');
  });

  it('does not wait for a grandchild that keeps the output open', async () => {
    const { output, code } = await runChild(shell('sleep 30 & echo $!; exit 0'));
    expect(code).toBe(0);
    process.kill(Number(output), 'SIGKILL');
  });
});

describe('requireChild', () => {
  it('returns the output of a program that succeeded', async () => {
    await expect(requireChild(shell('echo fine'))).resolves.toBe('fine\n');
  });

  it('throws an error that names the program, how it ended, and its last lines', async () => {
    await expect(requireChild(shell('echo no disk >&2; exit 2'))).rejects.toMatchObject({
      code: 'GOSHAWK_CHILD_FAILED',
      message: expect.stringMatching(/"sh" ended with code 2; its last lines:\nno disk/) as string,
    });
  });
});

describe('a process that keeps running', () => {
  it('is asked to end with SIGINT', async () => {
    const child = new ChildProcess(
      shell('trap "echo bye; exit 5" INT; echo up; while :; do sleep 0.05; done'),
    );
    while (!child.output.includes('up')) await sleep(10);
    expect(child.end).toBe(null);
    expect(await child.stop()).toMatchObject({ code: 5 });
    expect(child.output).toBe('up\nbye\n');
    await expect(child.stop()).resolves.toBe(child.end);
  });

  it('reads its standard input, and its errors go to the log', async () => {
    const errorLog = join(folder, 'log');
    const lines: string[] = [];
    const onLine = (line: string): void => void lines.push(line);
    const child = new ChildProcess(shell('echo err >&2; cat', { input: true, errorLog, onLine }));
    child.write('a\nb\n');
    child.endInput();
    await child.ended;
    child.write('late');
    child.kill('SIGTERM');
    expect(lines).toEqual(['a', 'b']);
    expect(readFileSync(errorLog, 'utf8')).toBe('err\n');
  });

  it('exchanges messages with buffers in them', async () => {
    const script = 'process.on("message", (m) => { process.send(m.bytes.length); process.disconnect(); })';
    const child = new ChildProcess({
      command: process.execPath,
      args: ['-e', script],
      env: childEnvironment(),
      messages: true,
    });
    const answer = new Promise((resolve) => child.onMessage(resolve));
    child.post({ bytes: new Uint8Array(1000) });
    expect(await answer).toBe(1000);
    expect((await child.ended).code).toBe(0);
    child.post({ bytes: new Uint8Array(1) });
  });
});

describe('readCommand', () => {
  it.each([
    ['echo 8.7', '8.7\n'],
    ['echo 8.7; exit 1', undefined],
    ['sleep 60', undefined],
  ])('%s returns %j', (script, text) => {
    expect(readCommand('sh', ['-c', script], childEnvironment(), 500)).toBe(text);
  });

  it('returns nothing for a missing program', () => {
    expect(readCommand('goshawk-no-such-program', [], childEnvironment(), 500)).toBe(undefined);
  });
});
