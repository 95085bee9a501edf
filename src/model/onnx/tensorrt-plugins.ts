import { GoshawkError } from '../../contract/errors.ts';
import { makeNode, makeValueInfo } from './build.ts';
import { dropUnread } from './drop-unread.ts';
import type { Model } from './model.ts';
import { DATA_TYPE, type NodeProto } from './schema.ts';
import { intAttribute } from './tensors.ts';

/** What a removed suppression plugin tells about a graph. */
export interface PluginFacts {
  readonly box: 'corners' | 'centers';
  readonly thresholds: { readonly score: number; readonly iou: number; readonly maxDetections: number };
}

const EFFICIENT_NMS = 'EfficientNMS_TRT';

const NAMES = { boxes: 'goshawk_plugin_boxes', scores: 'goshawk_plugin_scores' } as const;

function floatAttribute(node: NodeProto, name: string, fallback: number): number {
  return node.attribute.find((attribute) => attribute.name === name)?.f ?? fallback;
}

/**
 * Removes TensorRT's suppression plugin (`--end2end` of YOLOv6 and YOLOv7) from a graph, in place: no other
 * provider has it, and the runtime suppresses boxes itself. The inputs of the plugin become the outputs of
 * the graph. Returns null if there is no plugin. Throws GOSHAWK_NOT_A_DETECTOR for other TensorRT plugins,
 * which have no replacement.
 */
export function replaceSuppressionPlugin(model: Model, file: string): PluginFacts | null {
  const { graph } = model;
  const plugin = graph.node.find(({ opType }) => opType === EFFICIENT_NMS);
  const [boxes, scores, anchors] = plugin?.input ?? [];
  const other = graph.node.find(({ opType }) => opType !== EFFICIENT_NMS && /_TRT$/.test(opType));
  const anchored = anchors !== undefined && anchors !== '';
  if (other !== undefined || anchored) {
    throw new GoshawkError('GOSHAWK_NOT_A_DETECTOR', {
      file,
      reason:
        `it contains TensorRT's plugin ${other?.opType ?? `${EFFICIENT_NMS} with anchors`}, ` +
        'which runs nowhere else: export without it (no --end2end, no --trt)',
    });
  }
  if (plugin === undefined || boxes === undefined || scores === undefined) return null;
  const activated = intAttribute(plugin, 'score_activation', 0) === 1;
  graph.node = graph.node.filter((node) => node !== plugin);
  graph.node.push(makeNode('Cast', [boxes], [NAMES.boxes], { to: DATA_TYPE.FLOAT }));
  graph.node.push(
    makeNode('Cast', [scores], [activated ? `${NAMES.scores}_logits` : NAMES.scores], {
      to: DATA_TYPE.FLOAT,
    }),
  );
  if (activated) graph.node.push(makeNode('Sigmoid', [`${NAMES.scores}_logits`], [NAMES.scores]));
  graph.output = Object.values(NAMES).map((name) => makeValueInfo(name, DATA_TYPE.FLOAT, null));
  dropUnread(model);
  return {
    box: intAttribute(plugin, 'box_coding', 0) === 1 ? 'centers' : 'corners',
    thresholds: {
      score: floatAttribute(plugin, 'score_threshold', 0.25),
      iou: floatAttribute(plugin, 'iou_threshold', 0.5),
      maxDetections: Math.max(1, intAttribute(plugin, 'max_output_boxes', 100)),
    },
  };
}
