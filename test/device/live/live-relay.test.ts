import { describe, expect, it } from 'vitest';
import { LiveRelay } from '../../../src/device/live/live-relay.ts';
import type { LiveImages } from '../../../src/device/runtime/live-images.ts';

/** Images of one session; counts its viewers. */
function session(id: string, cameras: readonly string[] = ['front']) {
  const watchers = { count: 0 };
  const live: LiveImages = {
    cameras: () => cameras,
    watch: () => {
      watchers.count += 1;
      return () => (watchers.count -= 1);
    },
    newest: () => ({ id, jpeg: new Uint8Array([1]) }),
    next: () => Promise.resolve(new Uint8Array([1])),
  };
  return { live, watchers };
}

describe('LiveRelay', () => {
  it('moves viewers on to the next session', () => {
    const relay = new LiveRelay();
    const [first, second] = [session('a'), session('b')];
    relay.show(first.live);
    const unwatch = relay.watch('front');
    expect(relay.newest('front')?.id).toBe('a');
    relay.hide();
    expect([first.watchers.count, relay.cameras(), relay.newest('front')]).toEqual([0, [], null]);
    relay.show(second.live);
    expect([second.watchers.count, relay.newest('front')?.id]).toEqual([1, 'b']);
    unwatch();
    unwatch();
    expect(second.watchers.count).toBe(0);
  });

  it('knows viewers who arrived while nothing was shown, and forgets those who left', () => {
    const relay = new LiveRelay();
    relay.watch('front');
    relay.watch('front')();
    const { live, watchers } = session('a');
    relay.show(live);
    expect(watchers.count).toBe(1);
    relay.show(live);
    expect(watchers.count).toBe(1);
  });

  it('waits a while for a camera that does not exist', async () => {
    const relay = new LiveRelay();
    expect(await relay.next('front', 1)).toBeNull();
    relay.show(session('a').live);
    expect(await relay.next('attic', 1)).toBeNull();
    expect(await relay.next('front', 1)).toEqual(new Uint8Array([1]));
  });
});
