import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach } from 'vitest';

// Each test, and what it starts, has a state folder of its own: telemetry that one leaves behind is not delivered in
// the next.
const root = mkdtempSync(join(tmpdir(), 'goshawk-state-'));
process.env['XDG_STATE_HOME'] = join(root, 'file');

beforeEach(() => {
  process.env['XDG_STATE_HOME'] = mkdtempSync(join(root, 'test-'));
});

afterAll(() => {
  rmSync(root, { recursive: true, force: true });
});
