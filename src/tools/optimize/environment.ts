import { createHash } from 'node:crypto';
import { access, constants, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import semver from 'semver';
import { GoshawkError } from '../../contract/errors.ts';
import { childEnvironment } from '../../platform/child-environment.ts';
import { runChild, type ChildResult } from '../../platform/child-process.ts';
import { withLock } from './lock.ts';

/** How to start the quantizer. */
export interface QuantizerCommand {
  readonly command: string;
  readonly args: readonly string[];
  readonly env: NodeJS.ProcessEnv;
  /** sha256 over its sources and requirements: its results stay valid as long as this does not change */
  readonly codeDigest: string;
}

/** Receives the current activity, for a progress line. */
export type OnActivity = (activity: string) => void;

/** Locations of the program, its Python sources and the environment. */
export interface Places {
  /** the quantizer's sources and requirements.txt */
  readonly sources: string;
  /** the virtual environment */
  readonly environment: string;
}

const STAMP = 'goshawk-stamp';
const PYTHON_RANGE = '^3.10.0';
const PYTHONS = ['python3', 'python3.13', 'python3.12', 'python3.11', 'python3.10'];
const NETWORK_FIX = 'check the network and the free disk space, then run it again';
const PYTHON_FIX = 'install Python 3.10 or newer with venv: sudo apt-get install python3 python3-venv';

/** The package's own locations, two levels above this file's folder, in src/ as in dist/. */
export function packagePlaces(): Places {
  const root = fileURLToPath(new URL('../../..', import.meta.url));
  return { sources: join(root, 'scripts/optimize'), environment: join(root, '.tools/optimize') };
}

/**
 * The quantizer. Its environment is created if it is missing or does not match requirements.txt. Throws
 * GOSHAWK_OPTIMIZE_ENVIRONMENT, which says what to install.
 */
export async function ensureQuantizer(
  say: OnActivity,
  signal: AbortSignal,
  places: Places = packagePlaces(),
): Promise<QuantizerCommand> {
  const requirements = join(places.sources, 'requirements.txt');
  const wanted = await readFile(requirements, 'utf8').catch((cause: unknown) => {
    throw refuse(`${requirements} is missing`, 'reinstall Goshawk with its scripts folder', cause);
  });
  const stamp = createHash('sha256').update(places.environment).update('\n').update(wanted).digest('hex');
  const python = join(places.environment, 'bin/python');
  if (!(await isReady(places, python, stamp))) {
    await mkdir(join(places.environment, '..'), { recursive: true });
    await withLock(`${places.environment}.lock`, signal, async () => {
      if (!(await isReady(places, python, stamp)))
        await make(places, python, requirements, stamp, say, signal);
    });
  }
  return {
    command: python,
    args: ['-m', 'goshawk_optimize'],
    env: pythonEnvironment(places.sources),
    codeDigest: await digestOfSources(places.sources),
  };
}

/**
 * The caller's environment variables, without those that would add packages of another Python, such as a ROS
 * environment's.
 */
function pythonEnvironment(sources: string): NodeJS.ProcessEnv {
  return {
    ...childEnvironment(),
    PYTHONHOME: undefined,
    LD_LIBRARY_PATH: undefined,
    PYTHONPATH: sources,
    PYTHONNOUSERSITE: '1',
    PYTHONDONTWRITEBYTECODE: '1',
  };
}

async function isReady({ environment }: Places, python: string, stamp: string): Promise<boolean> {
  const [found, works] = await Promise.all([
    readFile(join(environment, STAMP), 'utf8').catch(() => ''),
    access(python, constants.X_OK).then(
      () => true,
      () => false,
    ),
  ]);
  return works && found === stamp;
}

async function make(
  { environment }: Places,
  python: string,
  requirements: string,
  stamp: string,
  say: OnActivity,
  signal: AbortSignal,
): Promise<void> {
  say('looking for Python');
  const system = await findPython(signal);
  await rm(environment, { recursive: true, force: true });
  say('creating a Python environment');
  const made = await run(system, ['-m', 'venv', environment], signal);
  if (made.code !== 0) {
    await rm(environment, { recursive: true, force: true });
    throw refuse(`${system} -m venv failed: ${lastLine(made.output)}`, PYTHON_FIX);
  }
  say('installing ONNX Runtime for Python');
  const install = ['-m', 'pip', 'install', '--disable-pip-version-check', '--no-input', '-r', requirements];
  const installed = await run(python, install, signal);
  if (installed.code !== 0) {
    await rm(environment, { recursive: true, force: true });
    throw refuse(`pip failed: ${lastLine(installed.output)}`, NETWORK_FIX);
  }
  await writeFile(join(environment, STAMP), stamp);
}

async function findPython(signal: AbortSignal): Promise<string> {
  const ask = 'import sys, ensurepip, venv; print("%d.%d" % sys.version_info[:2])';
  let reason = 'there is no python3';
  for (const command of PYTHONS) {
    const { code, error, output } = await run(command, ['-c', ask], signal);
    if (error !== null) continue;
    if (code !== 0) {
      reason = `${command} has no venv: ${lastLine(output)}`;
      continue;
    }
    if (semver.satisfies(semver.coerce(output) ?? '', PYTHON_RANGE)) return command;
    reason = `${command} is ${output.trim()}`;
  }
  throw refuse(reason, PYTHON_FIX);
}

/**
 * Runs Python to its end. The signal ends its whole process group, because children of pip would keep the
 * output open.
 */
function run(command: string, args: readonly string[], signal: AbortSignal): Promise<ChildResult> {
  return runChild({ command, args, env: pythonEnvironment(''), ownGroup: true, keptOutput: 20_000, signal });
}

function lastLine(output: string): string {
  return output.trim().split('\n').at(-1) ?? '';
}

async function digestOfSources(folder: string): Promise<string> {
  const hash = createHash('sha256');
  const names = await readdir(folder, { recursive: true });
  for (const name of names.filter((entry) => /\.(py|txt)$/.test(entry)).sort()) {
    if (name.startsWith('tests')) continue;
    hash.update(`${name}\n`).update(await readFile(join(folder, name)));
  }
  return hash.digest('hex');
}

function refuse(reason: string, fix: string, cause?: unknown): GoshawkError {
  return new GoshawkError('GOSHAWK_OPTIMIZE_ENVIRONMENT', { reason, fix }, { cause });
}
