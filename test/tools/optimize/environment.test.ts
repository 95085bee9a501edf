import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ensureQuantizer, type Places } from '../../../src/tools/optimize/environment.ts';
import { scratchFolder } from './scratch.ts';

const root = scratchFolder();
const never = new AbortController().signal;
const reported: string[] = [];
const say = (activity: string): void => void reported.push(activity);
let run = 0;
let places: Places;
let bin = '';

/** A python3 on the PATH with scripted behavior: its version, creating environments, and pip. */
function python(version: string, pip: string, venv = ''): void {
  const script = `#!/bin/sh
case "$*" in
  *version_info*) ${version} ;;
  *"-m venv"*) ${venv} mkdir -p "$3/bin" && cp "$0" "$3/bin/python" && echo made >> "${root}/made" ;;
  *"-m pip"*) ${pip} ;;
esac
`;
  writeFileSync(join(bin, 'python3'), script);
  chmodSync(join(bin, 'python3'), 0o755);
}

const ensure = () => ensureQuantizer(say, never, places);

beforeEach(() => {
  run += 1;
  reported.length = 0;
  bin = join(root, `bin${run}`);
  places = { sources: join(root, `sources${run}`), environment: join(root, `env${run}`) };
  for (const folder of [bin, places.sources]) mkdirSync(folder);
  writeFileSync(join(places.sources, 'requirements.txt'), 'numpy==1\n');
  writeFileSync(join(root, 'made'), '');
  vi.stubEnv('PATH', `${bin}:/usr/bin:/bin`);
});

afterEach(() => {
  vi.unstubAllEnvs();
});

describe('ensureQuantizer', () => {
  it('creates the environment once, and again when the requirements change', async () => {
    python('echo 3.11', 'true');
    vi.stubEnv('PYTHONPATH', '/a/ros/environment');
    const { command, env } = await ensure();
    expect(command).toBe(join(places.environment, 'bin/python'));
    expect(env).toMatchObject({ PYTHONPATH: places.sources });
    expect(reported).toEqual([
      'looking for Python',
      'creating a Python environment',
      'installing ONNX Runtime for Python',
    ]);
    await ensure();
    const made = () => readFileSync(join(root, 'made'), 'utf8').split('\n').length - 1;
    expect(made()).toBe(1);
    writeFileSync(join(places.sources, 'requirements.txt'), 'numpy==2\n');
    await ensure();
    expect(made()).toBe(2);
  });

  it('has a digest that changes with the sources, not with the tests', async () => {
    python('echo 3.11', 'true');
    const digest = async () => (await ensure()).codeDigest;
    const before = await digest();
    mkdirSync(join(places.sources, 'tests'));
    writeFileSync(join(places.sources, 'tests/test_it.py'), '');
    expect(await digest()).toBe(before);
    writeFileSync(join(places.sources, 'main.py'), '');
    expect(await digest()).not.toBe(before);
  });

  it.each([
    [
      'is too old',
      () => {
        python('echo 3.9', 'true');
      },
      /is 3\.9.*sudo apt-get install python3/,
    ],
    [
      'has no venv',
      () => {
        python('echo no module venv; exit 1', 'true');
      },
      /no venv: no module venv/,
    ],
    [
      'cannot make environments',
      () => {
        python('echo 3.11', 'true', 'echo ensurepip is missing; exit 1;');
      },
      /ensurepip is missing/,
    ],
    [
      'has no network',
      () => {
        python('echo 3.11', 'echo no route to host; exit 1');
      },
      /pip failed: no route to host.*check the network/,
    ],
  ])('says what to do if Python %s, and leaves nothing behind', async (_, prepare, text) => {
    prepare();
    // no other Python of the machine may be found
    vi.stubEnv('PATH', bin === '' ? '' : `${bin}:${stubTools()}`);
    const { describeError } = await import('../../../src/contract/errors.ts');
    const error: unknown = await ensure().catch((reason: unknown) => reason);
    expect(error).toMatchObject({ code: 'GOSHAWK_OPTIMIZE_ENVIRONMENT' });
    expect(describeError(error)).toMatch(text);
    expect(existsSync(places.environment)).toBe(false);
  });

  it('reports that its own files are missing', async () => {
    const elsewhere = { ...places, sources: join(root, 'nowhere') };
    await expect(ensureQuantizer(say, never, elsewhere)).rejects.toMatchObject({
      code: 'GOSHAWK_OPTIMIZE_ENVIRONMENT',
    });
  });

  it('stops when aborted, and starts over the next time', async () => {
    python('echo 3.11', 'sleep 30');
    const stop = new AbortController();
    const ensuring = ensureQuantizer(
      (activity) => {
        if (activity.startsWith('installing'))
          setTimeout(() => {
            stop.abort(new Error('stopped'));
          }, 50);
      },
      stop.signal,
      places,
    );
    await expect(ensuring).rejects.toThrow('stopped');
    python('echo 3.11', 'true');
    await ensure();
  });
});

/** A folder with the few programs that the Python stub needs, and no Python. */
function stubTools(): string {
  const folder = join(root, `tools${run}`);
  mkdirSync(folder, { recursive: true });
  for (const tool of ['mkdir', 'cp', 'sleep']) {
    writeFileSync(join(folder, tool), `#!/bin/sh\nexec /bin/${tool} "$@"\n`);
    chmodSync(join(folder, tool), 0o755);
  }
  return folder;
}
