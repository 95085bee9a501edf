/**
 * The bytes in memory that can be transferred to another thread. A view of most of its buffer (a message around its
 * pixels) is used as is; a small slice of a shared pool, or of shared memory, is copied first.
 */
export function movable(data: Uint8Array): Uint8Array<ArrayBuffer> {
  const { buffer } = data;
  const isOwner = buffer instanceof ArrayBuffer && data.byteLength * 2 >= buffer.byteLength;
  return isOwner ? (data as Uint8Array<ArrayBuffer>) : new Uint8Array(data);
}
