import { z } from 'zod';

/** One graph node as ONNX Runtime ran it, shapes included. */
export interface ProfiledNode {
  readonly name: string;
  readonly op: string;
  /** named as everywhere here, such as `cpu` */
  readonly provider: string;
  readonly inputShapes: readonly (readonly number[])[];
  readonly outputShapes: readonly (readonly number[])[];
}

const typedShapes = z.array(z.record(z.string(), z.array(z.number())));

const nodeEventSchema = z.object({
  cat: z.literal('Node'),
  name: z.string(),
  args: z.object({
    provider: z.string(),
    op_name: z.string(),
    input_type_shape: typedShapes,
    output_type_shape: typedShapes,
  }),
});

function shapesOf(list: z.infer<typeof typedShapes>): number[][] {
  return list.map((entry) => Object.values(entry)[0] ?? []);
}

/** Maps ONNX Runtime's `CPUExecutionProvider` to `cpu`, as its options and everything here call it. */
function providerName(onnxRuntimeName: string): string {
  return onnxRuntimeName.replace(/ExecutionProvider$/, '').toLowerCase();
}

/**
 * Parses a profile (ONNX Runtime's own text) into the nodes that it contains, each once. Throws if it is not a profile.
 */
export function parseProfile(text: string): ProfiledNode[] {
  const events = z.array(z.unknown()).parse(JSON.parse(text));
  const nodes = new Map<string, ProfiledNode>();
  for (const event of events) {
    const parsed = nodeEventSchema.safeParse(event);
    if (!parsed.success) continue;
    const { name, args } = parsed.data;
    nodes.set(name, {
      name: name.replace(/_kernel_time$/, ''),
      op: args.op_name,
      provider: providerName(args.provider),
      inputShapes: shapesOf(args.input_type_shape),
      outputShapes: shapesOf(args.output_type_shape),
    });
  }
  return [...nodes.values()];
}

/** Counts the nodes on each provider. */
export function countByProvider(nodes: readonly ProfiledNode[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const { provider } of nodes) counts[provider] = (counts[provider] ?? 0) + 1;
  return counts;
}

const product = (sizes: readonly number[]): number => sizes.reduce((total, size) => total * size, 1);

/**
 * Multiply-accumulate operations of one run: convolutions (outputs times the weights that each output value sees) and
 * matrix products (outputs times the inner length). As is customary, the rest of a detector is not counted: it is small
 * by comparison. The profile must come from an unoptimized graph, since fused nodes have other shapes.
 */
export function countMacs(nodes: readonly ProfiledNode[]): number {
  let macs = 0;
  for (const { op, inputShapes, outputShapes } of nodes) {
    const [first, second] = inputShapes;
    const output = outputShapes[0];
    if (first === undefined || second === undefined || output === undefined) continue;
    if (op === 'Conv') macs += product(output) * product(second.slice(1));
    else if (op === 'ConvTranspose') macs += product(first) * product(second.slice(1));
    else if (op === 'QLinearConv') macs += product(output) * product(inputShapes[3]?.slice(1) ?? []);
    else if (op === 'Gemm' || op === 'MatMul') macs += product(output) * (first.at(-1) ?? 0);
  }
  return macs;
}
