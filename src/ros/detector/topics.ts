/** How pictures of a camera arrive. */
export type ImageKind = 'raw' | 'compressed';

/** Names around one camera. */
export interface CameraTopics {
  /** unique in the node: the image topic's namespace without its slash, such as `front` */
  readonly camera: string;
  readonly image: string;
  readonly kind: ImageKind;
  readonly detections: string;
  readonly annotated: string;
  readonly annotatedCompressed: string;
  readonly visionInfo: string;
}

const COMPRESSED_SUFFIX = '/compressed';

/**
 * Names for each image topic: the results of `/front/image_raw` are beside it, on `/front/detections` and below. Where two image
 * topics share a namespace (`/stereo/left`, `/stereo/right`), each has its results below itself (`/stereo/left/detections`).
 *
 * @param images full names, remapped already; repeated ones are taken once
 * @param type the parameter `image_type`
 */
export function nameTopics(images: readonly string[], type: 'auto' | ImageKind): CameraTopics[] {
  const unique = [...new Set(images)];
  const bases = unique.map((image) => namespaceOf(withoutSuffix(image)));
  return unique.map((image, index) => {
    const shared = bases.filter((base) => base === bases[index]).length > 1;
    const base = shared ? ownBase(image, unique) : bases[index]!;
    const kind = type === 'auto' ? (image.endsWith(COMPRESSED_SUFFIX) ? 'compressed' : 'raw') : type;
    return {
      camera: base === '' ? withoutSuffix(image).slice(1) : base.slice(1),
      image,
      kind,
      ...resultsBelow(base),
    };
  });
}

function resultsBelow(
  base: string,
): Pick<CameraTopics, 'detections' | 'annotated' | 'annotatedCompressed' | 'visionInfo'> {
  const detections = `${base}/detections`;
  return {
    detections,
    annotated: `${detections}/image`,
    annotatedCompressed: `${detections}/image${COMPRESSED_SUFFIX}`,
    visionInfo: `${detections}/vision_info`,
  };
}

/** Below itself; the compressed form keeps its suffix where the raw form is a camera as well. */
function ownBase(image: string, all: readonly string[]): string {
  const plain = withoutSuffix(image);
  return plain !== image && all.includes(plain) ? image : plain;
}

/** `image_transport` puts the compressed form of a topic below it. */
function withoutSuffix(image: string): string {
  return image.endsWith(COMPRESSED_SUFFIX) ? image.slice(0, -COMPRESSED_SUFFIX.length) : image;
}

/** `/a/b` for `/a/b/c`, empty for `/c`. */
function namespaceOf(topic: string): string {
  return topic.slice(0, topic.lastIndexOf('/'));
}
