/** What is known about an image topic before one is chosen. */
export interface ImageTopic {
  readonly name: string;
  readonly kind: 'raw' | 'compressed';
  readonly count: number;
  /** content of its first images: color, gray, or the reason why none of them can be read */
  readonly content: 'color' | 'gray' | { readonly unreadable: string };
}

/** Names of topics that are not color images of a camera: depth, infrared, and drawn or computed images. */
const OTHER =
  /depth|disparity|infra|thermal|confidence|mask|segment|detection|overlay|annotat|debug|(^|[/_])(ir|lwir)\d*([/_]|$)/i;
const COLOR = /colou?r|rgb/i;

/** 0 for the most likely topic, higher for less likely ones. */
function rank({ name, count, content }: ImageTopic): number {
  const unreadable = typeof content === 'object' || count === 0 ? 100 : 0;
  const gray = content === 'gray' ? 10 : 0;
  const named = OTHER.test(name) ? 20 : COLOR.test(name) ? 0 : 1;
  return unreadable + gray + named;
}

/**
 * The most suitable topic for a detector of color images: color before gray, raw before JPEG, then by name.
 */
export function chooseTopic(topics: readonly ImageTopic[]): ImageTopic | undefined {
  return [...topics].sort(
    (a, b) =>
      rank(a) - rank(b) ||
      Number(a.kind === 'compressed') - Number(b.kind === 'compressed') ||
      (a.name < b.name ? -1 : 1),
  )[0];
}

/** A topic in a few words, such as `/color/image_raw (color, 30 images)`. */
export function describeTopic({ name, count, content }: ImageTopic): string {
  const what = typeof content === 'object' ? `not read: ${content.unreadable}` : content;
  return `${name} (${count === 0 ? 'no messages' : `${what}, ${String(count)} messages`})`;
}
