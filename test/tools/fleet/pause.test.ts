import { expect, it } from 'vitest';
import { pause } from '../../../src/tools/fleet/pause.ts';

it('a pause ends with the reason of its signal, whether that came before or meanwhile', async () => {
  const reason = new Error('interrupted by SIGINT');
  await expect(pause(60_000, AbortSignal.abort(reason))).rejects.toBe(reason);
  const end = new AbortController();
  const waiting = pause(60_000, end.signal);
  end.abort(reason);
  await expect(waiting).rejects.toBe(reason);
  await expect(pause(1, new AbortController().signal)).resolves.toBeUndefined();
});
