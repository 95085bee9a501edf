import type { LiveImages } from '../runtime/live-images.ts';

/**
 * New images of all cameras in one body: a line of JSON, `[{camera, id, bytes}, ...]`, then the JPEG files one after
 * the other.
 * @param have ids of the images that the client already has
 */
export function imageAnswer(live: LiveImages, have: ReadonlySet<string>): Buffer {
  const fresh = live.cameras().flatMap((camera) => {
    const image = live.newest(camera);
    return image === null || have.has(image.id) ? [] : [{ camera, ...image }];
  });
  const head = fresh.map(({ camera, id, jpeg }) => ({ camera, id, bytes: jpeg.length }));
  return Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), ...fresh.map(({ jpeg }) => jpeg)]);
}
