/**
 * Lets promise reactions run in this turn of the event loop.
 *
 * rclnodejs calls back from a bare libuv handle, outside of Node's callback scope, so promises that a callback resolves
 * would wait for whatever the loop does next. Node runs the microtask queue after each immediate, and immediates come
 * right after.
 */
export function runMicrotasksSoon(): void {
  setImmediate(nothing);
}

function nothing(): void {
  // The immediate itself is what counts.
}
