import type { ZlibOptions } from 'node:zlib';

// Node has it since 22.15; the types in use are of an older version.
declare module 'node:zlib' {
  interface ZstdOptions extends Pick<ZlibOptions, 'maxOutputLength'> {
    readonly params?: Readonly<Record<number, number>>;
  }
  function zstdCompressSync(data: string | Uint8Array, options?: ZstdOptions): Buffer;
  function zstdDecompressSync(data: Uint8Array, options?: ZstdOptions): Buffer;
  namespace constants {
    const ZSTD_c_checksumFlag: number;
    const ZSTD_d_windowLogMax: number;
  }
}
