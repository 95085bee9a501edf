import { parentPort } from 'node:worker_threads';
import { toRgb } from '../../core/image/convert.ts';
import { nameThread } from '../../platform/thread-name.ts';
import type { ColorReply, ColorRequest } from './color-protocol.ts';

/** A thread that converts whole images to RGB. */
nameThread('color');
const port = parentPort;
if (port !== null) {
  port.on('message', ({ id, view }: ColorRequest) => {
    const rgb = new Uint8Array(view.width * view.height * 3);
    toRgb(view, rgb);
    const reply: ColorReply = { id, rgb, data: view.data };
    port.postMessage(reply, [rgb.buffer, view.data.buffer]);
  });
}
