import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../..');
const AS_AVX2 = join(ROOT, 'scripts/emulate/as-avx2');

/** Probes in the main thread, in a worker thread, and in a child process, as the engines do. */
const ASK = `
  import { fork } from 'node:child_process';
  import { isMainThread, parentPort, Worker } from 'node:worker_threads';
  import { machineKindOf, readCpu } from '${ROOT}/dist/device/machine/cpu.js';
  import { probeInt8Arithmetic } from '${ROOT}/dist/device/inference/int8-probe.js';
  const int8 = await probeInt8Arithmetic();
  const answer = { int8, kind: machineKindOf(process.arch, readCpu().flags, int8) };
  if (!isMainThread) parentPort.postMessage(answer);
  else if (process.send) process.send(answer);
  else {
    const self = process.argv[1];
    const answerOf = (runner) =>
      new Promise((resolve, reject) => runner.once('message', resolve).once('error', reject));
    console.log(JSON.stringify([answer, await answerOf(new Worker(self)), await answerOf(fork(self))]));
  }
`;

it('ONNX Runtime sees a CPU without VNNI in every thread and process, and computes as one', () => {
  const folder = mkdtempSync(join(tmpdir(), 'goshawk-avx2-'));
  try {
    const program = join(folder, 'ask.mjs');
    writeFileSync(program, ASK);
    const answers: unknown = JSON.parse(
      execFileSync(AS_AVX2, [process.execPath, program], { encoding: 'utf8' }),
    );
    const expected = { int8: 'saturating', kind: 'x64-avx2' };
    expect(answers).toEqual([expected, expected, expected]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

it('an exit code, a signal and arguments pass through', () => {
  const output = execFileSync(AS_AVX2, ['sh', '-c', 'printf "%s" "$1"; exit 0', 'sh', "a 'b' $c"], {
    encoding: 'utf8',
  });
  expect(output).toBe("a 'b' $c");
  expect(() => execFileSync(AS_AVX2, ['sh', '-c', 'exit 7'], { stdio: 'ignore' })).toThrow(
    expect.objectContaining({ status: 7 }),
  );
  expect(() => execFileSync(AS_AVX2, ['sh', '-c', 'kill -ILL $$'], { stdio: 'ignore' })).toThrow(
    expect.objectContaining({ signal: 'SIGILL' }),
  );
});
