import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runReportSchema, type RunReport } from '../../src/contract/report.ts';
import { statusSchema, type Status } from '../../src/contract/status.ts';
import { writeMadeUpReference } from '../support/made-up-reference.ts';
import { CLI } from '../support/programs.ts';
import { shippedBundle } from '../support/shipped-bundle.ts';

/** Needs neither telemetry nor a reference. */
const SEES_WORSE = `
schema: goshawk.drift-policy/1
rules:
  - name: careful
    when: { verdict: sees-worse }
    do: [{ set: { score_threshold: 0.6 } }]
  - name: tell
    when: { verdict: input-changed }
    do: [notify]
`;

/** The first rule falls back, and stays: a reference of the configured bundle has no verdict for the other one. */
const POLICY = `
schema: goshawk.drift-policy/1
rules:
  - name: lighter
    when: { verdict: input-changed }
    allow_on_input_change: true
    do: [{ fallback: { bundle: goshawk-street-pruned } }]
  - name: missing
    when: { verdict: input-changed, camera: nobody }
    do: [notify]
`;

/**
 * What `goshawk run` logs until it has logged some words; then it is ended, once: a second signal costs the report.
 * @param words null: the caller ends it
 * @param onOutput called with everything so far, and the id of the process
 */
async function runUntil(
  words: string | null,
  folder: string,
  options: readonly string[],
  onOutput: (output: string, pid: number) => void = () => undefined,
): Promise<string> {
  const child = spawn(
    process.execPath,
    [
      ...[CLI, 'run', '--bundle', shippedBundle(), '--size', '640x360', ...options],
      ...['--workers', '1', '--threads', '1', '--queue-depth', '1'],
    ],
    { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, XDG_STATE_HOME: folder } },
  );
  const ended = once(child, 'exit');
  let output = '';
  let isStopped = false;
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
    onOutput(output, child.pid ?? 0);
    if (isStopped || words === null || !output.includes(words)) return;
    isStopped = true;
    child.kill('SIGINT');
  });
  await ended;
  return output;
}

describe('goshawk run with a policy, and a camera that is unlike its reference', () => {
  let folder = '';
  let output = '';
  let report: RunReport;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'goshawk-policy-run-'));
    const file = (name: string): string => join(folder, name);
    await writeMadeUpReference(file('reference.json'));
    writeFileSync(file('policy.yaml'), POLICY);
    output = await runUntil('MODEL_SWAPPED', folder, [
      ...['--camera', 'sim:seed=7,loop=30', '--rate', '5'],
      ...['--drift-reference', file('reference.json'), '--drift-false-alarms-per-week', '10000'],
      ...['--drift-policy', file('policy.yaml'), '--report', file('report.json')],
    ]);
    report = runReportSchema.parse(JSON.parse(readFileSync(file('report.json'), 'utf8')));
  });

  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  it('says what it does and why', () => {
    expect(output).toMatch(
      /POLICY_ACTION: rule lighter, camera camera \(input-changed drifted, .*\(frame \d+\)/,
    );
    expect(output).toMatch(/MODEL_SWAPPED: goshawk-street-pruned@/);
    expect(output).not.toContain('rule missing');
  });

  it('runs the other bundle, and accounts for every frame', () => {
    expect(report.bundle.name).toBe('goshawk-street-pruned');
    const { received, published, drops } = report.frames;
    expect(received).toBe(published + Object.values(drops).reduce((sum, count) => sum + count, 0));
    expect(Object.keys(drops).filter((reason) => reason !== 'superseded')).toEqual([]);
  });
});

/** Ends the processes in which a detector has run its models for some seconds, as a crash in native code does. */
function killEngines(parent: number): void {
  const format = 'pid=,etimes=,args=';
  const { stdout } = spawnSync('ps', ['-o', format, '--ppid', String(parent)], { encoding: 'utf8' });
  for (const line of stdout.split('\n')) {
    const [pid, seconds] = line.trim().split(/\s+/).map(Number);
    if (pid !== undefined && line.includes('child-main') && (seconds ?? 0) >= 3) process.kill(pid, 'SIGKILL');
  }
}

it('goshawk run takes a fallback back whose engine is killed again and again, and counts every frame', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'goshawk-killed-'));
  let killer: NodeJS.Timeout | undefined;
  try {
    const file = (name: string): string => join(folder, name);
    await writeMadeUpReference(file('reference.json'));
    writeFileSync(file('policy.yaml'), POLICY);
    const output = await runUntil(
      'MODEL_SWAPPED: goshawk-street@',
      folder,
      [
        ...['--camera', 'sim:seed=7,loop=30', '--rate', '5', '--engine', 'child'],
        ...['--drift-reference', file('reference.json'), '--drift-false-alarms-per-week', '10000'],
        ...['--drift-policy', file('policy.yaml'), '--report', file('report.json')],
      ],
      (logged, pid) => {
        if (logged.includes('MODEL_SWAPPED: goshawk-street-pruned'))
          killer ??= setInterval(() => killEngines(pid), 500);
        if (logged.includes('its engine was lost')) clearInterval(killer);
      },
    );
    // where loading takes longer than it lives, it is never there to be lost again
    expect(output).toMatch(
      /GOSHAWK_POLICY_ACTION: .*lighter.*its engine was lost (3 times|and does not come back)/,
    );
    const report = runReportSchema.parse(JSON.parse(readFileSync(file('report.json'), 'utf8')));
    expect(report.bundle.name).toBe('goshawk-street');
    const { received, published, drops } = report.frames;
    expect(received).toBe(published + Object.values(drops).reduce((sum, count) => sum + count, 0));
    expect(Object.keys(drops).filter((reason) => !['superseded', 'engine_lost'].includes(reason))).toEqual(
      [],
    );
  } finally {
    clearInterval(killer);
    rmSync(folder, { recursive: true, force: true });
  }
}, 300_000);

/** Processes of a detector in which models are or run, but for the one that was there first. */
function enginesBeside(parent: number): number[] {
  const args = ['-o', 'pid=,args=', '--sort=start_time', '--ppid', String(parent)];
  const { stdout } = spawnSync('ps', args, { encoding: 'utf8' });
  const [, ...others] = stdout.split('\n').filter((line) => line.includes('child-main'));
  return others.map((line) => Number.parseInt(line));
}

/**
 * Ends a process in which a model is being loaded, as soon as it has the inference library: some tenths of a second
 * before it could take a frame.
 */
function killIfLoading(pid: number): void {
  try {
    if (readFileSync(`/proc/${String(pid)}/maps`, 'utf8').includes('onnxruntime'))
      process.kill(pid, 'SIGKILL');
  } catch {
    // it has ended meanwhile
  }
}

/** What `/metrics` and `/api/status` say once ten more frames were published. */
async function afterTenFrames(url: string): Promise<{ readonly metrics: string; readonly status: Status }> {
  const read = async (path: string): Promise<string> => (await fetch(`${url}${path}`)).text();
  const published = async (): Promise<number> => {
    const counts = (await read('/metrics')).matchAll(/^goshawk_frames_published_total(?:\{.*\})? (\d+)$/gm);
    return [...counts].reduce((sum, [, count]) => sum + Number(count), 0);
  };
  const before = await published();
  await expect.poll(published).toBeGreaterThanOrEqual(before + 10);
  return {
    metrics: await read('/metrics'),
    status: statusSchema.parse(JSON.parse(await read('/api/status'))),
  };
}

it('goshawk run goes on as before where the engine of a fallback is killed while it loads, and says so', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'goshawk-killed-early-'));
  let killer: NodeJS.Timeout | undefined;
  let loading: number[] = [];
  let after: ReturnType<typeof afterTenFrames> | undefined;
  try {
    const file = (name: string): string => join(folder, name);
    await writeMadeUpReference(file('reference.json'));
    writeFileSync(file('policy.yaml'), POLICY);
    const output = await runUntil(
      null,
      folder,
      [
        ...['--camera', 'sim:seed=7,loop=30', '--rate', '5', '--engine', 'child', '--port', '0'],
        ...['--drift-reference', file('reference.json'), '--drift-false-alarms-per-week', '10000'],
        ...['--drift-policy', file('policy.yaml'), '--report', file('report.json')],
      ],
      (logged, pid) => {
        if (logged.includes(': rule lighter, camera camera'))
          killer ??= setInterval(() => {
            // to list processes takes longer than to look at one
            if (loading.length === 0) loading = enginesBeside(pid);
            loading.forEach(killIfLoading);
          }, 10);
        // it took over before it was seen: nothing of this can be tested
        const isLate = logged.includes('MODEL_SWAPPED');
        if (after !== undefined || !(isLate || logged.includes('GOSHAWK_POLICY_ACTION'))) return;
        clearInterval(killer);
        after = afterTenFrames(/web page: (http:\S+)/.exec(logged)?.[1] ?? '');
        void after.catch(() => undefined).finally(() => process.kill(pid, 'SIGINT'));
      },
    );
    expect(output).not.toContain('MODEL_SWAPPED');
    const told =
      /GOSHAWK_POLICY_ACTION: rule lighter .*fallback: GOSHAWK_ENGINE_CRASHED: .*was ended by SIGKILL/;
    expect(output).toMatch(told);
    const { metrics, status } = await after!;
    expect(metrics).toContain('goshawk_policy_failures_total{action="fallback"} 1');
    // of the model that runs
    expect(metrics).toMatch(/^goshawk_engine_lost_total(\{.*\})? 0$/m);
    expect(status.policy?.failed['lighter']).toMatchObject({ code: 'GOSHAWK_POLICY_ACTION' });
    expect(`GOSHAWK_POLICY_ACTION: ${status.policy?.failed['lighter']?.reason ?? ''}`).toMatch(told);
    const report = runReportSchema.parse(JSON.parse(readFileSync(file('report.json'), 'utf8')));
    expect(report.bundle.name).toBe('goshawk-street');
    const { received, published, drops } = report.frames;
    expect(received).toBe(published + Object.values(drops).reduce((sum, count) => sum + count, 0));
    expect(Object.keys(drops).filter((reason) => reason !== 'superseded')).toEqual([]);
  } finally {
    clearInterval(killer);
    rmSync(folder, { recursive: true, force: true });
  }
}, 300_000);

it('goshawk run acts on a model that sees worse without telemetry, and says which rules wait in vain', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'goshawk-sees-worse-'));
  try {
    const policy = join(folder, 'policy.yaml');
    writeFileSync(policy, SEES_WORSE);
    const output = await runUntil('POLICY_ACTION', folder, [
      ...['--camera', 'sim:noise=0.9,loop=30', '--rate', '60', '--drift-window-s', '5'],
      ...['--drift-policy', policy],
    ]);
    expect(output).toMatch(
      /POLICY_ACTION: rule careful, camera camera \(sees-worse drifted, .*set score_threshold=0\.6/,
    );
    expect(output).toMatch(/GOSHAWK_POLICY_UNMET: rules "tell" .* input-changed: drift_reference is not set/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
