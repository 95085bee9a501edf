import writeFileAtomic from 'write-file-atomic';

/**
 * Writes a file whole or not at all: into a new file beside it, flushed to the disk, which is then moved there in
 * one step. After an error or a power cut there is what was there before. A link is followed; mode and owner of a
 * file that is replaced are kept.
 */
export async function writeFileWhole(file: string, data: string | Uint8Array): Promise<void> {
  await writeFileAtomic(file, typeof data === 'string' ? data : asBuffer(data));
}

function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
