// Replaces the quantizer's process in tests of failures: node fake-quantizer.mjs
import { createInterface } from 'node:readline';

/** @param {unknown} answer a string is sent as is */
const say = (answer) =>
  process.stdout.write(`${typeof answer === 'string' ? answer : JSON.stringify(answer)}\n`);

createInterface({ input: process.stdin }).on('line', (line) => {
  /** @type {unknown} */
  const json = JSON.parse(line);
  const { id, op, how } = /** @type {{ id: number, op: string, how?: string }} */ (json);
  switch (how) {
    case 'progress':
      say({ id, progress: { done: 1, total: 4 } });
      say({ id, progress: { done: 4, total: 4 } });
      break;
    case 'crash':
      process.stderr.write('Traceback\nMemoryError: no more\n');
      process.exit(3);
      break;
    case 'killed':
      process.kill(process.pid, 'SIGKILL');
      break;
    case 'garbage':
      say('Segmentation fault');
      return;
    case 'wrong':
      say({ id, ok: { tensors: 'many' } });
      return;
    case 'silent':
      return;
    default:
      if (how !== undefined) {
        say({ id, error: { kind: how, reason: `because of ${how}` } });
        return;
      }
  }
  say({ id: id - 1, ok: { tensors: 99 } });
  say({
    id,
    ok: op === 'hello' ? { versions: { pid: String(process.pid) } } : { tensors: 5, peakBytes: 1000 * id },
  });
});
