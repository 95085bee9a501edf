import type { Model } from './model.ts';
import { intAttribute } from './tensors.ts';

const CONTEXT_NODE = 'EPContext';
const CONTEXT_DOMAIN = 'com.microsoft';

/** True for an ONNX file around an engine that was built for one device: only its own execution provider can run it. */
export function isEngineContext(model: Model): boolean {
  return model.graph.node.some(({ opType, domain }) => opType === CONTEXT_NODE && domain === CONTEXT_DOMAIN);
}

/** True where the engine lies inside the file; a second file beside it would escape the bundle's digests. */
export function isEngineEmbedded(model: Model): boolean {
  return model.graph.node
    .filter(({ opType }) => opType === CONTEXT_NODE)
    .every((node) => intAttribute(node, 'embed_mode', 1) === 1);
}
