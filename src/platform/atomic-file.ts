import writeFileAtomic from 'write-file-atomic';

/**
 * Writes a file atomically: to a new file next to it, flushed to the disk, then moved in one step. After an error or a
 * power cut the previous content is intact. A link is followed; mode and owner of a replaced file are kept.
 */
export async function writeFileWhole(file: string, data: string | Uint8Array): Promise<void> {
  await writeFileAtomic(file, typeof data === 'string' ? data : asBuffer(data));
}

function asBuffer({ buffer, byteOffset, byteLength }: Uint8Array): Buffer {
  return Buffer.from(buffer, byteOffset, byteLength);
}
