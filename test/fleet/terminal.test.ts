import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, describe, expect, it } from 'vitest';
import { ROOT } from '../docs/documents.ts';
import { CLI } from '../support/programs.ts';
import { makeFleetFolder } from './support/fleet-folder.ts';

const CTRL_C = '\x03';
/** Pressed twice within this time is one signal for `npm start`, which gets it from the terminal and from npm. */
const APART_MS = 50;

const scripts: ChildProcess[] = [];
const folder = makeFleetFolder();
afterAll(() => {
  for (const script of scripts) script.kill('SIGKILL');
  folder.remove();
});

/** A command in a terminal of its own: what is typed goes through the terminal to the group in the foreground. */
class Terminal {
  text = '';
  readonly #script: ChildProcess;
  readonly #ended: Promise<unknown[]>;

  constructor(command: string, env: NodeJS.ProcessEnv = {}) {
    // without `exec`, a shell that forks, as dash does, is interrupted itself, and its end taken for the command's
    const line = `exec ${command}`;
    this.#script = spawn('script', ['--quiet', '--return', '--command', line, '/dev/null'], {
      cwd: ROOT,
      env: { ...process.env, ...env },
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    scripts.push(this.#script);
    this.#script.stdout?.on('data', (more) => (this.text += String(more)));
    this.#ended = once(this.#script, 'exit');
  }

  async waitFor(pattern: RegExp): Promise<void> {
    for (let tries = 0; tries < 1_200 && !pattern.test(this.text); tries += 1) await sleep(50);
    expect(this.text).toMatch(pattern);
  }

  type(text: string): void {
    this.#script.stdin?.write(text);
  }

  close(): void {
    // the kernel hangs up on what is in the foreground
    this.#script.kill('SIGKILL');
  }

  /** The exit code of the command. */
  async exitCode(): Promise<unknown> {
    const [code] = await this.#ended;
    return code;
  }
}

/** Processes that have the folder in their command line. */
function left(home: string): string[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid)
    .flatMap((name) => {
      try {
        return readFileSync(`/proc/${name}/cmdline`, 'utf8').replaceAll('\0', ' ');
      } catch {
        return [];
      }
    })
    .filter((line) => line.includes(home));
}

async function untilNothingIsLeft(home: string): Promise<void> {
  for (let tries = 0; tries < 600 && left(home).length > 0; tries += 1) await sleep(50);
  expect(left(home)).toEqual([]);
}

/** How the server ended last, by its own words. */
function lastWords(home: string): string {
  expect(existsSync(join(home, 'data/postmaster.pid'))).toBe(false);
  const log = join(home, 'server.log');
  return existsSync(log) ? readFileSync(log, 'utf8').trim().split('\n').slice(-1).join('') : '';
}

const serve = (home: string): string =>
  `'${process.execPath}' '${CLI}' fleet serve --mqtt mqtt://127.0.0.1:9 --folder '${home}' --port 0`;

// They share nothing, and mostly wait for a database to start or end.
describe.concurrent('in a terminal', () => {
  it('ends the database in order on Ctrl-C in a terminal', async () => {
    const home = join(folder.path, 'once');
    const shell = new Terminal(serve(home));
    await shell.waitFor(/ready: /);
    shell.type(CTRL_C);
    expect(await shell.exitCode()).toBe(0);
    expect(left(home)).toEqual([]);
    expect(lastWords(home)).toContain('database system is shut down');
  });

  it.each([
    ['while it runs', /ready: /, /database system is shut down/],
    // it may have to go before it writes a word
    ['while the database starts', /made an empty database/, /database system is shut down|^$/],
  ])('leaves nothing running when it is forced to exit %s', async (_when, pattern, words) => {
    const home = join(folder.path, `forced${String(pattern)}`.replace(/\W/g, ''));
    const shell = new Terminal(serve(home));
    await shell.waitFor(pattern);
    for (let times = 0; times < 3; times += 1) {
      shell.type(CTRL_C);
      await sleep(APART_MS);
    }
    expect([0, 1, 130]).toContain(await shell.exitCode());
    await untilNothingIsLeft(home);
    expect(lastWords(home)).toMatch(words);
  });

  it('leaves nothing running when its terminal is closed', async () => {
    const home = join(folder.path, 'closed');
    const shell = new Terminal(serve(home));
    await shell.waitFor(/ready: /);
    shell.close();
    await shell.exitCode();
    await untilNothingIsLeft(home);
    expect(lastWords(home)).toContain('database system is shut down');
  });

  it('ends npm start with everything that it started on Ctrl-C in a terminal', async () => {
    const home = join(folder.path, 'demo');
    const shell = new Terminal(`npm start -- --port 0 --folder '${home}'`, { GOSHAWK_NO_ROS: '1' });
    await shell.waitFor(/fleet: page: /);
    shell.type(CTRL_C);
    // npm reports the interruption, though everything ended well
    expect([0, 130]).toContain(await shell.exitCode());
    expect(shell.text).toMatch(/fleet: [1-9]\d* messages stored/);
    await untilNothingIsLeft(home);
    expect(lastWords(join(home, 'fleet'))).toContain('database system is shut down');
  });
});
