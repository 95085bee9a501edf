import type { LivePictures } from './live-pictures.ts';

/**
 * New pictures of all cameras in one body: a line of JSON, `[{camera, id, bytes}, ...]`, then the JPEG files one behind the other.
 * @param have ids of the pictures that the asker has already
 */
export function pictureAnswer(live: LivePictures, have: ReadonlySet<string>): Buffer {
  const fresh = live.cameras().flatMap((camera) => {
    const picture = live.newest(camera);
    return picture === null || have.has(picture.id) ? [] : [{ camera, ...picture }];
  });
  const head = fresh.map(({ camera, id, jpeg }) => ({ camera, id, bytes: jpeg.length }));
  return Buffer.concat([Buffer.from(`${JSON.stringify(head)}\n`), ...fresh.map(({ jpeg }) => jpeg)]);
}
