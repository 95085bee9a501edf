import { MessageChannel } from 'node:worker_threads';

/** Smaller memory is left to the garbage collector, which is cheaper. */
const MIN_BYTES = 65_536;

/** A port whose receiving side is closed: memory transferred there is freed immediately. */
const grave = closedPort();

function closedPort(): MessageChannel['port1'] {
  const { port1, port2 } = new MessageChannel();
  port2.close();
  port1.unref();
  return port1;
}

/**
 * Frees the memory behind a view; every view of it is empty afterwards. A raw frame is megabytes behind a tiny object:
 * left to the garbage collector, thirty of them per second make V8 collect the whole heap twice a second ("external
 * memory pressure"), which costs more than the resize and shows as a tail of 3 to 10 ms. Memory that cannot be
 * transferred stays as it is.
 */
export function freeMemory(view: ArrayBufferView): void {
  const { buffer } = view;
  if (!(buffer instanceof ArrayBuffer) || buffer.byteLength < MIN_BYTES) return;
  try {
    grave.postMessage(null, [buffer]);
  } catch {
    // Its owner does not allow transfers; the collector frees it eventually.
  }
}
