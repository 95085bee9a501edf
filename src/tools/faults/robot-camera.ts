import { appendFileSync } from 'node:fs';
import { openBundle } from '../../device/authoring/open-bundle.ts';
import { openCamera } from '../../device/camera/open-camera.ts';
import { createSizedEngine } from '../../device/inference/sized-engine.ts';
import { EnvelopeMaker } from '../../device/pipeline/frame/envelope.ts';
import { FramePipeline } from '../../device/pipeline/pipeline.ts';
import { errorText } from '../../platform/error-text.ts';

const NAME = 'camera';
const BUNDLE = 'goshawk-street';
const FRAMES_PER_SECOND = 20;
const SIZE = { width: 640, height: 360 };
/** Frames after a start whose latency is that of a cold process. */
const WARM_UP_MS = 2_000;
const NOTE_MS = 500;

/**
 * Runs the shipped model on a camera for as long as the process lives, and appends lines of `TIME LATENCY LATENCY ...`
 * to a file: wall clock and milliseconds from a frame's receipt to its results. Says `frames` with the first line.
 */
export async function runCamera(spec: string, file: string, say: (line: string) => void): Promise<void> {
  const bundle = await openBundle(BUNDLE, say);
  const latencies: string[] = [];
  let firstAt = Infinity;
  const sink = {
    name: 'publisher',
    deliver: ({ totalMs }: { readonly totalMs: number }) => {
      const now = performance.now();
      firstAt = Math.min(firstAt, now);
      if (now - firstAt > WARM_UP_MS) latencies.push(totalMs.toFixed(2));
    },
  };
  const pipeline = new FramePipeline({
    engine: createSizedEngine({
      bundle,
      kind: 'worker',
      sizing: { workers: 1, threads: 1, queueDepth: 1 },
      preferred: ['cpu'],
      strict: false,
      inputs: 'both',
      log: say,
    }),
    manifest: bundle.manifest,
    cameras: [{ name: NAME }],
    preprocess: 'graph',
    tracking: false,
    limits: {},
    sinks: [sink],
    onNotice: ({ code, message }) => say(`${code}: ${message}`),
  });
  await pipeline.start();
  pipeline.activate();
  const envelopes = new EnvelopeMaker(NAME);
  await openCamera(spec, { rate: FRAMES_PER_SECOND, ...SIZE }).start(
    ({ stamp, frameId, image }) => pipeline.offer({ envelope: envelopes.next(stamp, frameId), image }),
    (error) => say(`the camera ended: ${errorText(error)}`),
    { onUnreadable: (reason, detail) => pipeline.refuse(NAME, reason, detail), onNotice: say },
  );
  let hasSaid = false;
  setInterval(() => {
    if (latencies.length === 0) return;
    appendFileSync(file, `${Date.now()} ${latencies.splice(0).join(' ')}\n`);
    if (!hasSaid) say('frames');
    hasSaid = true;
  }, NOTE_MS);
}
