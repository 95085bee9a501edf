import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { rosNode } from '../../support/programs.ts';

export const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** One process of a test, with everything it printed. */
export class RosProcess {
  readonly #process: ChildProcess;
  readonly #name: string;
  #output = '';
  readonly exit: Promise<{ code: number | null; signal: NodeJS.Signals | null }>;

  constructor(name: string, command: string, args: readonly string[], env: Readonly<Record<string, string>>) {
    this.#name = name;
    this.#process = spawn(command, args, {
      cwd: ROOT,
      env: { ...process.env, PYTHONUNBUFFERED: '1', ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      // A separate process group, so that a signal reaches everything that Ctrl-C in a terminal would reach.
      detached: true,
    });
    const collect = (chunk: Buffer): void => {
      this.#output += chunk.toString();
    };
    this.#process.stdout!.on('data', collect);
    this.#process.stderr!.on('data', collect);
    this.exit = new Promise((resolve, reject) => {
      this.#process.once('error', reject);
      this.#process.once('close', (code, signal) => {
        resolve({ code, signal });
      });
    });
  }

  get output(): string {
    return this.#output;
  }

  get pid(): number {
    return this.#process.pid!;
  }

  get isRunning(): boolean {
    return this.#process.exitCode === null && this.#process.signalCode === null;
  }

  /**
   * Resolves with the match once the output matches the pattern; fails if the process exits first or it takes too long.
   */
  async waitFor(pattern: RegExp, seconds = 30): Promise<RegExpExecArray> {
    const end = Date.now() + seconds * 1000;
    for (;;) {
      const match = pattern.exec(this.#output);
      if (match !== null) return match;
      if (!this.isRunning || Date.now() > end) {
        const why = this.isRunning ? `not in ${seconds} s` : 'it has ended';
        throw new Error(
          `${this.#name} does not say ${String(pattern)} (${why}):\n${this.#output.slice(-4000)}`,
        );
      }
      await sleep(50);
    }
  }

  /**
   * Signals the process with its children, as a terminal does, or alone, as a service manager does, and waits for its
   * exit.
   * @returns the exit code, or the signal that killed it
   */
  async stop(
    signal: NodeJS.Signals = 'SIGINT',
    whom: 'group' | 'alone' = 'group',
  ): Promise<number | string | null> {
    if (this.isRunning) process.kill(whom === 'group' ? -this.pid : this.pid, signal);
    const hard = setTimeout(this.#killGroup, 20_000);
    const { code, signal: killedBy } = await this.exit;
    clearTimeout(hard);
    return code ?? killedBy;
  }

  /** True if nothing is left of the process and its children. */
  get isGone(): boolean {
    try {
      process.kill(-this.pid, 0);
      return false;
    } catch {
      return true;
    }
  }

  readonly #killGroup = (): void => {
    try {
      process.kill(-this.pid, 'SIGKILL');
    } catch {
      // It has exited already.
    }
  };
}

/** Processes whose parent is `pid`. */
export function childrenOf(pid: number): number[] {
  const children = spawnSync('ps', ['-o', 'pid=', '--ppid', String(pid)], { encoding: 'utf8' }).stdout;
  return children.trim().split(/\s+/).filter(Boolean).map(Number);
}

export function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms);
  });
}

/**
 * Each distribution has separate domains: nodes and the daemon of the `ros2` command would find those of another one.
 */
const FIRST_DOMAIN = process.env['ROS_DISTRO'] === 'kilted' ? 60 : 80;

/**
 * Starts the processes of one test in a separate domain, and ends what is left. Files run two at a time, so each has
 * its own `slot`, from 1 to 19: the ports of domains above 101 are among those that Linux assigns to outgoing
 * connections.
 */
export class RosBench {
  readonly env: Record<string, string>;
  readonly #processes: RosProcess[] = [];
  #usesRos2 = false;

  constructor(slot: number, env: Readonly<Record<string, string>> = {}) {
    if (slot < 1 || slot > 19) throw new RangeError(`slot ${slot} is not from 1 to 19`);
    this.env = {
      ROS_DOMAIN_ID: String(FIRST_DOMAIN + slot),
      ROS_AUTOMATIC_DISCOVERY_RANGE: 'LOCALHOST',
      ...env,
    };
  }

  start(command: string, ...args: readonly string[]): RosProcess {
    const process = new RosProcess([command, ...args].join(' ').slice(0, 80), command, args, this.env);
    this.#processes.push(process);
    this.#usesRos2 ||= [command, ...args].includes('ros2');
    return process;
  }

  /** A node with parameters as on a ROS command line. */
  node(
    name: 'detector' | 'camera',
    parameters: Readonly<Record<string, string>>,
    ...more: string[]
  ): RosProcess {
    const rules = Object.entries(parameters).flatMap(([key, value]) => ['-p', `${key}:=${value}`]);
    return this.start(process.execPath, rosNode(name), '--ros-args', ...rules, ...more);
  }

  peer(script: string, ...args: readonly string[]): RosProcess {
    return this.start('python3', `test/ros/peers/${script}`, ...args);
  }

  /** Runs a `ros2` command to its end, for at most twenty seconds; returns its output. */
  async ros2(...args: readonly string[]): Promise<string> {
    const process = this.start('timeout', '-s', 'INT', '20', 'ros2', ...args);
    await process.exit;
    return process.output;
  }

  /** Repeats a `ros2` command until its output matches the pattern: discovery takes time. */
  async ros2Until(pattern: RegExp, ...args: readonly string[]): Promise<string> {
    let output = '';
    for (let attempt = 0; attempt < 10; attempt++) {
      output = await this.ros2(...args);
      if (pattern.test(output)) return output;
      await sleep(500);
    }
    throw new Error(`ros2 ${args.join(' ')} does not say ${String(pattern)}:\n${output}`);
  }

  /** Ends every remaining process, and the daemon that the `ros2` command leaves behind. */
  async close(): Promise<void> {
    await Promise.all(this.#processes.map((process) => process.stop()));
    if (this.#usesRos2) await this.ros2('daemon', 'stop');
  }
}

/** The JSON lines of a peer's output. */
export function jsonLines(output: string): Record<string, unknown>[] {
  return output
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
