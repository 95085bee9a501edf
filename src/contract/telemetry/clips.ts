import { z } from 'zod';
import { MAX_CLIP_BYTES } from '../clips.ts';
import { quantity } from '../quantities.ts';

/** Bytes of a clip in one message: its payload stays below 64 KiB. */
export const CLIP_CHUNK_BYTES = 32 << 10;

/** Bytes that a robot sends for one request: the fleet asks for more when it has them. */
export const MAX_REQUESTED_BYTES = 8 << 20;

/** The fleet asks for a part of a clip, or for all of it at a URL. */
export const clipRequestBodySchema = z.object({
  /** chosen by the fleet: chunks that answer it have the same */
  request: z.uuid(),
  /** as in the offer; whatever is no name of a clip is refused */
  clip: z.string().max(256),
  /** first byte that is wanted: a transfer that broke off goes on where it was */
  offset: quantity('bytes').max(MAX_CLIP_BYTES),
  /** bytes that are wanted from there */
  maxBytes: quantity('bytes').min(1).max(MAX_REQUESTED_BYTES),
  /** where to PUT the whole file instead: https, with whatever signature it needs in its query */
  putUrl: z.url().max(4096).optional(),
});

export type ClipRequest = z.infer<typeof clipRequestBodySchema>;

/** A piece of a clip, or why there is none. */
export const clipChunkBodySchema = z.object({
  request: z.uuid(),
  clip: z.string().max(256),
  /** of the first byte of `data` */
  offset: quantity('bytes').max(MAX_CLIP_BYTES),
  /** bytes of the whole file; 0 if it is refused */
  total: quantity('bytes').max(MAX_CLIP_BYTES),
  data: z.base64().max(Math.ceil(CLIP_CHUNK_BYTES / 3) * 4),
  /** the last message of its request: what was asked for was sent, put at the URL, or refused */
  isLast: z.boolean(),
  refused: z.object({ code: z.string().max(64), reason: z.string().max(500) }).optional(),
});

export type ClipChunk = z.infer<typeof clipChunkBodySchema>;
