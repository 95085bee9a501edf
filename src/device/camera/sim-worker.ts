import { parentPort, workerData } from 'node:worker_threads';
import { SceneRenderer } from '../../sim/scene.ts';
import { createWorld } from '../../sim/world.ts';
import { nameThread } from '../../platform/thread-name.ts';
import type { SimImage, SimRequest, SimSetup } from './sim-protocol.ts';

/** The thread of a simulated camera. */
const port = parentPort;
if (port !== null) {
  nameThread('camera');
  const { seed, width, height, conditions } = workerData as SimSetup;
  const renderer = new SceneRenderer(width, height);
  const world = createWorld(seed);
  port.on('message', ({ time }: SimRequest) => {
    const rgb = new Uint8Array(width * height * 3);
    const objects = renderer.render(world, time, conditions, rgb);
    const image: SimImage = { rgb, objects };
    port.postMessage(image, [rgb.buffer]);
  });
}
