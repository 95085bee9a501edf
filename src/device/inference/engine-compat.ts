import { readdirSync, readFileSync } from 'node:fs';
import type { BundleVariant } from '../../contract/bundle.ts';
import { inferenceEnvironment } from '../../platform/child-environment.ts';
import { readCommand } from '../../platform/child-process.ts';

/** What a prebuilt TensorRT engine finds on a machine; `null` if it is absent or unknown. */
export interface EngineHost {
  /** version of the TensorRT library, such as `10.3.0` */
  readonly tensorrt: string | null;
  /** compute capability of the GPU, such as `8.7` */
  readonly computeCapability: string | null;
}

type EngineFacts = NonNullable<BundleVariant['engine']>;

/** Where distributions and JetPack install libnvinfer. */
const LIBRARY_FOLDERS = [
  '/usr/lib/aarch64-linux-gnu',
  '/usr/lib/x86_64-linux-gnu',
  '/usr/local/tensorrt/lib',
];

/** Jetson modules by the chip's name in the device tree: their nvidia-smi does not report the compute capability. */
const TEGRA_CAPABILITIES: Readonly<Record<string, string>> = {
  'nvidia,tegra194': '7.2',
  'nvidia,tegra234': '8.7',
  'nvidia,tegra264': '11.0',
};

/** Time limit of nvidia-smi, milliseconds. */
const SMI_MS = 5000;

/** `10.3.0` and `10.3` are the same version: the parts that both have agree. */
function sameVersion(a: string, b: string): boolean {
  const left = a.split('.');
  const right = b.split('.');
  const common = Math.min(left.length, right.length, 3);
  return left.slice(0, common).every((part, i) => part === right[i]);
}

export function describeEngine(facts: EngineFacts): string {
  return `TensorRT ${facts.tensorrt} and compute capability ${facts.computeCapability}`;
}

export function describeEngineHost(host: EngineHost): string {
  const library = host.tensorrt === null ? 'no TensorRT' : `TensorRT ${host.tensorrt}`;
  const gpu =
    host.computeCapability === null ? 'no known GPU' : `compute capability ${host.computeCapability}`;
  return `${library} and ${gpu}`;
}

/** True if an engine can be loaded: TensorRT refuses engines of any other version or kind of GPU. */
export function engineFits(facts: EngineFacts, host: EngineHost): boolean {
  return (
    host.tensorrt !== null &&
    host.computeCapability === facts.computeCapability &&
    sameVersion(facts.tensorrt, host.tensorrt)
  );
}

/** What this machine has. Not tested on hardware: it follows NVIDIA's documentation. */
export function readEngineHost(): EngineHost {
  return { tensorrt: tensorrtVersion(), computeCapability: tegraCapability() ?? smiCapability() };
}

function tensorrtVersion(): string | null {
  for (const folder of LIBRARY_FOLDERS) {
    for (const file of listFolder(folder)) {
      const version = /^libnvinfer\.so\.(\d+\.\d+\.\d+)$/.exec(file)?.[1];
      if (version !== undefined) return version;
    }
  }
  return null;
}

function listFolder(folder: string): string[] {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
}

function tegraCapability(): string | null {
  try {
    const names = readFileSync('/proc/device-tree/compatible', 'utf8').split('\0');
    return names.map((name) => TEGRA_CAPABILITIES[name]).find((found) => found !== undefined) ?? null;
  } catch {
    return null;
  }
}

function smiCapability(): string | null {
  const query = ['--query-gpu=compute_cap', '--format=csv,noheader'];
  const text = readCommand('nvidia-smi', query, inferenceEnvironment(), SMI_MS) ?? '';
  return /^\d+\.\d+/.exec(text.trim())?.[0] ?? null;
}
