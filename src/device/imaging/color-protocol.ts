import type { ImageView } from '../../core/image/image-view.ts';

/** To a converting thread; the memory of `view.data` is transferred. */
export interface ColorRequest {
  readonly id: number;
  readonly view: ImageView & { readonly data: Uint8Array<ArrayBuffer> };
}

/** From the thread, in the order of the requests; both are transferred. */
export interface ColorReply {
  readonly id: number;
  /** packed RGB */
  readonly rgb: Uint8Array<ArrayBuffer>;
  /** the memory of the request, for reuse */
  readonly data: Uint8Array<ArrayBuffer>;
}
