import { create } from '@bufbuild/protobuf';
import { makeNode } from './build.ts';
import { feedInputs, type Model } from './model.ts';
import { ModelSchema } from './schema.ts';
import { intAttribute } from './tensors.ts';

const CONTEXT_NODE = 'EPContext';
const CONTEXT_DOMAIN = 'com.microsoft';

/**
 * True for an ONNX file that wraps an engine built for one device. Only its own execution provider can run
 * it.
 */
export function isEngineContext(model: Model): boolean {
  return model.graph.node.some(({ opType, domain }) => opType === CONTEXT_NODE && domain === CONTEXT_DOMAIN);
}

/**
 * True if the engine is embedded in the file. A second file next to it would not be covered by the bundle's
 * digests.
 */
export function isEngineEmbedded(model: Model): boolean {
  return model.graph.node
    .filter(({ opType }) => opType === CONTEXT_NODE)
    .every((node) => intAttribute(node, 'embed_mode', 1) === 1);
}

/**
 * An ONNX file around a TensorRT engine: one EPContext node with the engine inside, which ONNX Runtime's
 * TensorRT provider loads without building anything and without a provider option. `built` is the model that
 * the engine was built from: inputs and outputs are bound by name, so they must be the same. Attributes are
 * those of ONNX Runtime's EPContext operator (onnxruntime.ai/docs/execution-providers/EP-Context-Design.html,
 * `onnx_ctx_model_helper.cc`); `hardware_architecture` is the compute capability without its dot, such as
 * `87`, and `source` keeps other providers from taking the node. Not run on hardware.
 */
export function makeEngineContext(built: Model, engine: Uint8Array, computeCapability: string): Model {
  const { graph } = built;
  const inputs = feedInputs(graph);
  const node = makeNode(
    CONTEXT_NODE,
    inputs.map(({ name }) => name),
    graph.output.map(({ name }) => name),
    {
      main_context: 1,
      embed_mode: 1,
      ep_cache_context: engine,
      source: 'TensorrtExecutionProvider',
      hardware_architecture: computeCapability.replace('.', ''),
    },
  );
  node.domain = CONTEXT_DOMAIN;
  return create(ModelSchema, {
    irVersion: built.irVersion,
    producerName: 'goshawk',
    opsetImport: [
      ...built.opsetImport.filter(({ domain }) => domain !== CONTEXT_DOMAIN),
      { domain: CONTEXT_DOMAIN, version: 1n },
    ],
    graph: { name: 'engine', node: [node], input: inputs, output: graph.output },
  }) as Model;
}
