import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { fleetFaultsSchema, type FleetFaultsReport } from '../../src/contract/fleet-faults.ts';
import { CLI } from '../support/programs.ts';

const folder = mkdtempSync(join(tmpdir(), 'goshawk-faults-test-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

async function runFaults(...args: string[]): Promise<{ code: number | null; output: string }> {
  const child = spawn(process.execPath, [CLI, 'fleet', 'faults', ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (more) => (output += String(more)));
  const [code] = (await once(child, 'close')) as [number | null];
  return { code, output };
}

async function faults(...args: string[]): Promise<{ code: number | null; report: FleetFaultsReport }> {
  const file = join(folder, `${args.join('')}.json`);
  const { code, output } = await runFaults('--report', file, ...args);
  if (!existsSync(file)) expect.unreachable(`no report: ${output}`);
  return { code, report: fleetFaultsSchema.parse(JSON.parse(readFileSync(file, 'utf8'))) };
}

// Most of a run is pauses, and runs share nothing: at once they take hardly longer than one, on a machine that has
// nothing else to do.
describe.concurrent('goshawk fleet faults', { timeout: 400_000 }, () => {
  it('finds neither holes nor duplicates after faults of every part', async () => {
    const { code, report } = await faults('--seed', '2', '--faults', '11');
    expect(report).toMatchObject({
      faults: 11,
      undeclaredHoles: 0,
      duplicates: 0,
      missing: [],
      isSettled: true,
    });
    expect(report.produced).toBe(report.stored + report.declared);
    expect(report.stored).toBeGreaterThan(50);
    expect(code).toBe(0);
  });

  it('finds holes where messages are acknowledged before their commit', async () => {
    const { code, report } = await faults('--seed', '2', '--faults', '11', '--weaken', 'early-acks');
    expect(report.undeclaredHoles).toBeGreaterThan(0);
    expect(code).toBe(1);
  });

  it('finds holes where the disk of the database lost what was synced, too, when the power was cut', async () => {
    // seed and faults of the first test, which finds none: the disk is the only difference
    const { code, output } = await runFaults('--seed', '2', '--faults', '11', '--weaken', 'lying-disk');
    expect(code).toBe(1);
    // a database that lost too much does not start any more, and names the files that the disk lost
    const lostFiles = 'checkpoint|control file|could not (read|open|access)|invalid|is not a|corrupt';
    expect(output).toMatch(new RegExp(`[1-9]\\d* undeclared holes|(PANIC|FATAL): .*(${lostFiles})`));
  });

  it('measures frames of the robot with faults and without', async () => {
    const { report } = await faults('--seed', '4', '--faults', '3', '--camera', 'sim', '--calm', '6');
    expect(report.frames?.unfaulted.count).toBeGreaterThan(20);
    expect(report.frames?.unfaulted.p99Ms).toBeGreaterThan(0);
    expect(report.undeclaredHoles).toBe(0);
  });

  it('finds holes where the outbox is not synced and the power is cut', async () => {
    // with this seed the broker is down, and messages wait on the disk, when the power of the robot is cut
    const { code, report } = await faults('--seed', '2145', '--faults', '3', '--weaken', 'no-sync');
    expect(report.faultsByKind).toMatchObject({ 'broker-kill': 1, 'robot-power-cut': 1 });
    expect(report.undeclaredHoles).toBeGreaterThan(0);
    expect(code).toBe(1);
  });

  it('ends everything on Ctrl-C', async () => {
    const child = spawn(process.execPath, [CLI, 'fleet', 'faults', '--faults', '1000'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let text = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (more) => (text += String(more)));
    const ended = once(child, 'exit');
    while (!text.includes('3/1000') && child.exitCode === null)
      await Promise.race([once(child.stdout, 'data'), ended]);
    expect(text).toContain('3/1000');
    child.kill('SIGINT');
    expect(await ended).toEqual([1, null]);
    expect(text).toContain('GOSHAWK_INTERRUPTED');
  });
});
