import { describe, expect, it } from 'vitest';
import { BoxAgreement } from '../../../src/core/drift/box-agreement.ts';
import { createDetections } from '../../../src/core/detections.ts';
import { BLOCK_FLOATS } from '../../../src/core/drift/frame-block.ts';
import { FrameStatistics } from '../../../src/core/drift/frame-statistics.ts';
import { OBSERVED, PLACE, type ObservedName } from '../../../src/core/drift/observe/observed.ts';
import { Observer } from '../../../src/core/drift/observe/observer.ts';
import type { CompressedView, ImageView } from '../../../src/core/image/image-view.ts';
import { letterboxFor, type LetterboxResize } from '../../../src/core/image/letterbox.ts';
import { encodeJpeg } from '../../../src/device/imaging/encode-image.ts';
import { SharpLetterboxer } from '../../../src/device/imaging/sharp-letterbox.ts';
import { planFor } from '../../../src/device/inference/raw-graph.ts';
import { CLEAR_DAY } from '../../../src/sim/drawing/conditions.ts';
import { SceneRenderer } from '../../../src/sim/scene.ts';
import { createWorld } from '../../../src/sim/world.ts';

/** Input of a network: as that of goshawk-street. */
const INPUT = { width: 448, height: 256 };
const [WIDTH, HEIGHT] = [1280, 720];
const SECONDS = 30;
const WAYS = ['graph', 'sharp', 'compressed'] as const;

type Way = (typeof WAYS)[number];

/** What is observed of one frame a second of a simulated street that comes in one of three ways. */
async function observe(resize: LetterboxResize): Promise<Record<Way, readonly Float64Array[]>> {
  const [width, height] = [WIDTH, HEIGHT];
  const statistics = new FrameStatistics();
  const letterboxer = new SharpLetterboxer();
  const renderer = new SceneRenderer(width, height);
  const world = createWorld(7);
  const letterbox = letterboxFor(width, height, INPUT.width, INPUT.height, 'center');
  const rows: Record<Way, Float64Array[]> = { graph: [], sharp: [], compressed: [] };
  const observers = { graph: new Observer(), sharp: new Observer(), compressed: new Observer() };
  const block = new Float32Array(BLOCK_FLOATS);

  async function letterboxed(image: ImageView | CompressedView) {
    const pixels = new Uint8Array(INPUT.width * INPUT.height * 3);
    await letterboxer.run(image, letterbox, { padValue: 114, resize }, pixels);
    return { layout: 'letterboxed', pixels, step: INPUT.width * 3, letterbox, averages: false } as const;
  }

  for (let second = 0; second < SECONDS; second += 1) {
    const pixels = new Uint8Array(width * height * 3);
    renderer.render(world, second, CLEAR_DAY, pixels);
    const common = { kind: 'raw', pixels, encoding: 'rgb8', step: width * 3, letterbox } as const;
    const plan = planFor(common, resize);
    const inputs = {
      graph: { layout: 'rgb8', pixels, step: width * 3, letterbox, averages: plan.resize === 'average' },
      sharp: await letterboxed({ width, height, encoding: 'rgb8', step: width * 3, data: pixels }),
      compressed: await letterboxed({ format: 'jpeg', data: await encodeJpeg(pixels, width, height, 90) }),
    } as const;
    for (const way of WAYS) {
      statistics.measure(inputs[way], new BoxAgreement(), block);
      const row = observers[way].observe(block, createDetections(1), { width, height }, second * 1000);
      rows[way].push(row?.slice() ?? expect.unreachable('an observation is due'));
    }
  }
  return rows;
}

/** How far the means of each feature are from those of raw frames in the graph, in their standard deviations. */
function shiftsOf(rows: Record<Way, readonly Float64Array[]>, way: Way): Map<ObservedName, number> {
  const shifts = new Map<ObservedName, number>();
  for (const name of OBSERVED) {
    const [ours, theirs] = [rows.graph, rows[way]].map((each) =>
      each.map((row) => row[PLACE[name]]!).filter(Number.isFinite),
    ) as [number[], number[]];
    const mean = (values: readonly number[]): number =>
      values.reduce((sum, one) => sum + one, 0) / values.length;
    const middle = mean(ours);
    const deviation = Math.sqrt(mean(ours.map((value) => (value - middle) ** 2)));
    if (deviation > 0) shifts.set(name, (mean(theirs) - middle) / deviation);
  }
  return shifts;
}

const TEXTURE = ['rough_10', 'rough_25', 'rough_75'] as const;

describe('the same raw frames', () => {
  it('show the same whoever resizes them for a network that samples, and another texture once compressed', async () => {
    const rows = await observe('bilinear');
    const sharp = shiftsOf(rows, 'sharp');
    expect(sharp.size).toBeGreaterThan(15);
    // docs/drift.md: a tenth of a deviation at most, which no alarm notices
    for (const [name, shift] of sharp) expect(Math.abs(shift), name).toBeLessThan(0.1);
    const compressed = shiftsOf(rows, 'compressed');
    for (const name of TEXTURE) expect(compressed.get(name), name).toBeLessThan(-3);
  });

  it('show another texture by each way for a network that averages', async () => {
    const rows = await observe('average');
    for (const way of ['sharp', 'compressed'] as const) {
      const shifts = shiftsOf(rows, way);
      for (const name of TEXTURE) expect(shifts.get(name), `${way} ${name}`).toBeLessThan(-3);
    }
  });
});
