import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { debugLog, sendDebugTo } from '../../src/platform/debug.ts';

/** A process that logs under two namespaces and prints on standard output which messages were built. */
function logged(namespaces: string | undefined): { stdout: string; stderr: string } {
  const module = join(import.meta.dirname, '../../src/platform/debug.ts');
  const script = `
    import { debugLog } from ${JSON.stringify(module)};
    for (const name of ['sizing', 'mqtt'])
      debugLog(name)(() => { console.log(name); return 'measured 100 %d of ' + name; });`;
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '--eval', script], {
    env: { ...process.env, DEBUG: namespaces },
    encoding: 'utf8',
  });
  return { stdout, stderr };
}

describe('the debug log', () => {
  it('neither builds nor writes a message unless DEBUG asks for it', () => {
    expect(logged(undefined)).toEqual({ stdout: '', stderr: '' });
  });

  it('writes the namespaces that DEBUG names to standard error, word for word', () => {
    const { stdout, stderr } = logged('goshawk:sizing');
    expect(stdout).toBe('sizing\n');
    expect(stderr).toMatch(/goshawk:sizing measured 100 %d of sizing\n$/);
  });

  it('writes all of them for goshawk:*', () => {
    expect(logged('goshawk:*').stdout).toBe('sizing\nmqtt\n');
  });

  it('goes to the given function once a node runs at level debug', () => {
    const early = debugLog('inference');
    const message = vi.fn(() => 'loads');
    early(message);
    expect(message).not.toHaveBeenCalled();
    const lines: string[] = [];
    sendDebugTo((line) => lines.push(line));
    early(message);
    debugLog('lifecycle')(() => 'configure begins');
    expect(lines).toHaveLength(2);
    expect(lines[0]).toMatch(/goshawk:inference.* loads/);
    expect(lines[1]).toMatch(/goshawk:lifecycle.* configure begins/);
  });
});
