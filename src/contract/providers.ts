interface ProviderRow {
  /** what its sessions run on: affects sizing, batches, and whether the driver is part of the fingerprint */
  readonly device: 'gpu' | 'cpu';
  /** every build of ONNX Runtime has it, so the graph itself is at fault if it cannot load */
  readonly isBuiltIn: boolean;
  /** ONNX Runtime's option for exact 8-bit kernels applies to it */
  readonly hasExactInt8: boolean;
  /** loading may take this long before it counts as hung, milliseconds */
  readonly startLimitMs: number;
  /** milliseconds of loading after which a trial of variants skips the rest */
  readonly loadBudgetMs: number;
  /** why loading takes long, for the log. A provider with such a reason is tried only with prebuilt engines. */
  readonly buildsEngine?: string;
}

/**
 * Execution providers, best first. A name is ONNX Runtime's, also in `libonnxruntime_providers_NAME`, and
 * appears in preferences, manifests, metrics and reports.
 */
const ROWS = {
  tensorrt: {
    device: 'gpu',
    isBuiltIn: false,
    hasExactInt8: false,
    // up to an hour is reported for the search for kernels on small boards
    startLimitMs: 90 * 60_000,
    // a GPU's first session takes seconds
    loadBudgetMs: 30_000,
    buildsEngine:
      'TensorRT tries out kernels, which takes minutes, on a large model an hour (docs/jetson.md, "Engines")',
  },
  cuda: {
    device: 'gpu',
    isBuiltIn: false,
    hasExactInt8: false,
    // it compiles kernels for boards that its binaries do not cover
    startLimitMs: 10 * 60_000,
    loadBudgetMs: 30_000,
  },
  cpu: {
    device: 'cpu',
    isBuiltIn: true,
    hasExactInt8: true,
    startLimitMs: 60_000,
    loadBudgetMs: 800,
  },
} satisfies Readonly<Record<string, ProviderRow>>;

export type ProviderName = keyof typeof ROWS;

/** What the choice of variants, sizing, loading and messages need to know about each provider. */
export const PROVIDER_TABLE: Readonly<Record<ProviderName, ProviderRow>> = ROWS;

/** The names of all providers, best first: the default preference. */
export const PROVIDERS = Object.keys(ROWS) as [ProviderName, ...ProviderName[]];

/** The last provider of every session: it takes the graph nodes that the others do not. */
export const LAST_PROVIDER: ProviderName = 'cpu';
