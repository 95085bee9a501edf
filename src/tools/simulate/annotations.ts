import type { Conditions } from '../../sim/drawing/conditions.ts';
import { SCENE_LABELS } from '../../sim/labels.ts';
import { SIMULATOR_VERSION } from '../../sim/scene.ts';
import type { SimulateOptions } from './options.ts';
import { imageName, type RenderedScene } from './render-range.ts';

/** An image of a COCO file, with its parameters. */
interface CocoImage {
  readonly id: number;
  readonly file_name: string;
  readonly width: number;
  readonly height: number;
  readonly scene_seed: number;
  readonly time: number;
  readonly conditions: Conditions;
}

interface CocoAnnotation {
  readonly id: number;
  readonly image_id: number;
  readonly category_id: number;
  /** x, y, width, height in pixels */
  readonly bbox: readonly [number, number, number, number];
  readonly area: number;
  readonly iscrowd: 0;
  /** share of the object that nothing nearer occludes */
  readonly visible: number;
}

/** A COCO detection file. Categories, images and annotations are numbered from 1. */
export interface CocoDataset {
  readonly info: {
    readonly description: string;
    readonly version: string;
    readonly seed: number;
    readonly conditions: Partial<Conditions>;
  };
  readonly licenses: readonly never[];
  readonly categories: readonly {
    readonly id: number;
    readonly name: string;
    readonly supercategory: string;
  }[];
  readonly images: readonly CocoImage[];
  readonly annotations: readonly CocoAnnotation[];
}

function round(value: number, digits: number): number {
  const scale = 10 ** digits;
  return Math.round(value * scale) / scale;
}

/** @param scenes in the order of their index */
export function cocoOf(options: SimulateOptions, scenes: readonly RenderedScene[]): CocoDataset {
  const annotations: CocoAnnotation[] = [];
  for (const scene of scenes) {
    for (const { classIndex, box, visible } of scene.objects) {
      const [x1, y1, x2, y2] = box;
      annotations.push({
        id: annotations.length + 1,
        image_id: scene.index + 1,
        category_id: classIndex + 1,
        bbox: [x1, y1, x2 - x1, y2 - y1],
        area: (x2 - x1) * (y2 - y1),
        iscrowd: 0,
        visible: round(visible, 3),
      });
    }
  }
  return {
    info: {
      description: 'Simulated street scenes of goshawk simulate',
      version: SIMULATOR_VERSION,
      seed: options.seed,
      conditions: options.conditions,
    },
    licenses: [],
    categories: SCENE_LABELS.map((name, index) => ({ id: index + 1, name, supercategory: 'street' })),
    images: scenes.map((scene) => ({
      id: scene.index + 1,
      file_name: imageName(scene.index, options.image),
      width: options.width,
      height: options.height,
      scene_seed: scene.sceneSeed,
      time: round(scene.time, 6),
      conditions: scene.conditions,
    })),
    annotations,
  };
}

/**
 * The boxes of frames.u8: `boxes[i]` lists class index (from 0), x1, y1, x2, y2 for each object of frame i.
 */
export interface RawIndex {
  readonly simulator: string;
  readonly seed: number;
  readonly count: number;
  readonly width: number;
  readonly height: number;
  readonly channels: 3;
  readonly labels: readonly string[];
  readonly conditions: Partial<Conditions>;
  readonly boxes: readonly (readonly (readonly [number, number, number, number, number])[])[];
}

export function rawIndexOf(options: SimulateOptions, scenes: readonly RenderedScene[]): RawIndex {
  return {
    simulator: SIMULATOR_VERSION,
    seed: options.seed,
    count: options.count,
    width: options.width,
    height: options.height,
    channels: 3,
    labels: SCENE_LABELS,
    conditions: options.conditions,
    boxes: scenes.map((scene) => scene.objects.map(({ classIndex, box }) => [classIndex, ...box] as const)),
  };
}
