// Prints the runtime's detections as JSON, for goshawk_exporters: node detect.mjs BUNDLE SCORE IOU best|every
// IMAGE ...

/**
 * Imports a module of the build.
 * @param {string} path
 * @returns {Promise<unknown>}
 */
const built = (path) => import(new URL(`../../dist/${path}`, import.meta.url).href);

const { loadBundle } = /** @type {typeof import('../../src/model/bundle.ts')} */ (
  await built('model/bundle.js')
);
const { openBundleDetector } = /** @type {typeof import('../../src/tools/evaluate/bundle-detector.ts')} */ (
  await built('tools/evaluate/bundle-detector.js')
);

const [folder = '', score, iou, classes, ...images] = process.argv.slice(2);
const detector = await openBundleDetector({
  bundle: await loadBundle(folder),
  preprocess: 'sharp',
  limits: {
    scoreThreshold: Number(score),
    iouThreshold: Number(iou),
    maxDetections: 300,
    classFilter: null,
    multiLabel: classes === 'every',
  },
  engine: { threads: 1 },
});
const found = [];
for (const image of images) {
  const { detections } = await detector.detect(image);
  const { boxes, scores, classes: labels, count } = detections;
  found.push(
    Array.from({ length: count }, (_, i) => [
      Array.from(boxes.subarray(4 * i, 4 * i + 4)),
      scores[i],
      labels[i],
    ]),
  );
}
await detector.close();
console.log(JSON.stringify(found));
