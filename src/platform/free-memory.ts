import { MessageChannel } from 'node:worker_threads';

/** Smaller memory is left to the garbage collector: it costs less there than here. */
const MIN_BYTES = 65_536;

/** A port whose other end is closed: what is moved there is freed at once. */
const grave = closedPort();

function closedPort(): MessageChannel['port1'] {
  const { port1, port2 } = new MessageChannel();
  port2.close();
  port1.unref();
  return port1;
}

/**
 * Frees the memory behind a view now; every view of it is empty afterwards. A raw frame is megabytes behind a
 * tiny object: left to the garbage collector, thirty of them a second make V8 collect the whole heap twice a
 * second ("external memory pressure"), which costs more than the resize and shows as a tail of 3 to 10 ms.
 * Memory that cannot be moved stays as it is.
 */
export function freeMemory(view: ArrayBufferView): void {
  const { buffer } = view;
  if (!(buffer instanceof ArrayBuffer) || buffer.byteLength < MIN_BYTES) return;
  try {
    grave.postMessage(null, [buffer]);
  } catch {
    // It belongs to someone who does not let it be moved; the collector takes it in time.
  }
}
