import {
  chmodSync,
  closeSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { childEnvironment } from '../../platform/child-environment.ts';
import { runChild } from '../../platform/child-process.ts';

const RECORD_BYTES = 24;
const LOOK_MS = 5;
/** In a row, until nothing is being started any more. */
const QUIET_LOOKS = 10;
/** On a disk that lies it would be empty, and a server does not start over that. */
const LOCK_FILE = 'postmaster.pid';

/** What was there before a range of a file was written. */
interface Undo {
  readonly offset: number;
  readonly before: Buffer;
  readonly size: number;
}

/**
 * Cuts the power of a PostgreSQL: a library in the server keeps what each write replaced until the file is synced
 * (`unsynced.c`), and this puts it back after the server was killed.
 */
export class PowerCut {
  readonly #folder: string;
  /** what the server is started with */
  readonly env: Readonly<Record<string, string>>;

  private constructor(folder: string, library: string, isLying: boolean) {
    this.#folder = folder;
    this.env = {
      LD_PRELOAD: library,
      GOSHAWK_UNDO: folder,
      ...(isLying ? { GOSHAWK_UNDO_LIES: '1' } : {}),
    };
  }

  /**
   * Builds the library; null if there is no C compiler.
   * @param folder to be made, which the user of the server can pass
   * @param isLying what was synced is lost as well
   */
  static async prepare(folder: string, isLying: boolean): Promise<PowerCut | null> {
    const undo = join(folder, 'undo');
    mkdirSync(undo, { recursive: true });
    // the server may have another user
    chmodSync(folder, 0o755);
    chmodSync(undo, 0o777);
    const library = join(folder, 'unsynced.so');
    const source = fileURLToPath(new URL('./unsynced.c', import.meta.url));
    const args = ['-shared', '-fPIC', '-O1', '-o', library, source];
    const { code } = await runChild({ command: 'cc', args, env: childEnvironment() });
    return code === 0 ? new PowerCut(undo, library, isLying) : null;
  }

  /**
   * Kills all processes of a server, also of one that is only being started, and takes back what it had not synced.
   * @param data its folder
   */
  async cut(data: string): Promise<void> {
    for (let quiet = 0; quiet < QUIET_LOOKS; quiet += 1) {
      const all = processesIn(data);
      for (const one of all) kill(one);
      if (all.length > 0) quiet = 0;
      await sleep(LOOK_MS);
    }
    const paths = new Map(filesIn(data).map((path) => [statSync(path).ino, path]));
    for (const name of readdirSync(this.#folder)) {
      const path = paths.get(Number(name));
      if (path !== undefined) takeBack(path, readUndo(readFileSync(join(this.#folder, name))));
      rmSync(join(this.#folder, name));
    }
  }
}

function readUndo(bytes: Buffer): Undo[] {
  const found: Undo[] = [];
  for (let at = 0; at + RECORD_BYTES <= bytes.length;) {
    const [offset, length, size] = [0, 8, 16].map((field) => Number(bytes.readBigUInt64LE(at + field)));
    if (offset === undefined || length === undefined || size === undefined) break;
    const start = at + RECORD_BYTES;
    found.push({ offset, before: bytes.subarray(start, start + length), size });
    at = start + length;
  }
  return found;
}

function takeBack(path: string, undo: readonly Undo[]): void {
  const file = openSync(path, 'r+');
  try {
    for (const { offset, before, size } of [...undo].reverse()) {
      if (before.length > 0) writeSync(file, before, 0, before.length, offset);
      ftruncateSync(file, size);
    }
  } finally {
    closeSync(file);
  }
}

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name !== LOCK_FILE)
    .map((entry) => join(entry.parentPath, entry.name));
}

/** Those that work in a folder, as all processes of a server do. */
function processesIn(folder: string): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name) && folderOf(name) === folder)
    .map(Number);
}

/** Null for one that is gone, or that nobody has waited for. */
function folderOf(pid: string): string | null {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return null;
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}
