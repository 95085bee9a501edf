import { GoshawkError } from '../../contract/errors.ts';

/** How images of a camera arrive. */
export type ImageKind = 'raw' | 'compressed';

/** The topic names of one camera. */
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
 * Topic names for each image topic: the results of `/front/image_raw` are next to it, on `/front/detections` and below.
 * If two image topics would get the same name (`/stereo/left` and `/stereo/right`; `/left` and `/left/image`), each has
 * its results below itself (`/stereo/left/detections`).
 *
 * @param images full names, after remapping; repeated ones count once
 * @param type the parameter `image_type`
 * @throws GoshawkError GOSHAWK_PARAMETER_INVALID if an image topic is among the topics that this node publishes
 */
export function nameTopics(images: readonly string[], type: 'auto' | ImageKind): CameraTopics[] {
  const unique = [...new Set(images)];
  const bases = distinctBases(unique);
  const named = unique.map((image, index): CameraTopics => {
    const base = bases[index]!;
    const kind = type === 'auto' ? (image.endsWith(COMPRESSED_SUFFIX) ? 'compressed' : 'raw') : type;
    return { camera: cameraOf(image, base), image, kind, ...resultsBelow(base) };
  });
  refuseOwnImages(named);
  return named;
}

/** A base name for the results of each image: its namespace, or itself if another camera would have the same name. */
function distinctBases(images: readonly string[]): readonly string[] {
  let bases = images.map((image) => namespaceOf(withoutSuffix(image)));
  for (;;) {
    const cameras = images.map((image, i) => cameraOf(image, bases[i]!));
    // A base that moves may collide with a third one: repeated until nothing moves. Names below the images themselves
    // all differ.
    const moved = images.map((image, i) =>
      isAlone(bases, i) && isAlone(cameras, i) ? bases[i]! : ownBase(image, images),
    );
    if (moved.every((base, i) => base === bases[i])) return bases;
    bases = moved;
  }
}

function isAlone(names: readonly string[], at: number): boolean {
  return names.every((name, i) => i === at || name !== names[at]);
}

function cameraOf(image: string, base: string): string {
  return (base === '' ? withoutSuffix(image) : base).slice(1);
}

/** A camera that is this node's own annotated image would be drawn into itself forever. */
function refuseOwnImages(named: readonly CameraTopics[]): void {
  for (const { image } of named) {
    const source = named.find(({ annotated, annotatedCompressed }) =>
      [annotated, annotatedCompressed].includes(image),
    );
    if (source === undefined) continue;
    throw new GoshawkError('GOSHAWK_PARAMETER_INVALID', {
      name: 'image_topics',
      value: image,
      reason: `that is where this node publishes its own annotated image of ${source.image}`,
    });
  }
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

/** The topic itself; the compressed form keeps its suffix if the raw form is a camera as well. */
function ownBase(image: string, all: readonly string[]): string {
  const plain = withoutSuffix(image);
  return plain !== image && all.includes(plain) ? image : plain;
}

/** `image_transport` puts the compressed form of a topic below it. */
function withoutSuffix(image: string): string {
  return image.endsWith(COMPRESSED_SUFFIX) && image !== COMPRESSED_SUFFIX
    ? image.slice(0, -COMPRESSED_SUFFIX.length)
    : image;
}

/** `/a/b` for `/a/b/c`, empty for `/c`. */
function namespaceOf(topic: string): string {
  return topic.slice(0, topic.lastIndexOf('/'));
}
