import { arch } from 'node:os';
import type { MachineFingerprint } from '../../contract/machine.ts';
import { PROVIDER_TABLE } from '../../contract/providers.ts';
import { machineKindOf, readCpu, readGpuDriver, usableCores } from '../machine/cpu.ts';
import { digestOfFlags, fingerprintOf } from '../machine/fingerprint.ts';
import { readEngineHost } from './engine-compat.ts';
import { probeInt8Arithmetic } from './int8-probe.ts';
import { listUsableProviders } from './providers.ts';
import { libraryVersion } from './session.ts';

let probed: ReturnType<typeof probeInt8Arithmetic> | null = null;

/**
 * What a graph's results and times depend on here, other than the graph. Read again on each call, except for the
 * arithmetic of the inference library, which is probed once per process. The GPU matters only if the inference library
 * can use it.
 */
export async function machineFingerprint(): Promise<MachineFingerprint> {
  probed ??= probeInt8Arithmetic();
  const int8 = await probed;
  const { model, flags } = readCpu();
  const usesGpu = listUsableProviders().some((provider) => PROVIDER_TABLE[provider].device === 'gpu');
  const { tensorrt, computeCapability } = usesGpu
    ? readEngineHost()
    : { tensorrt: null, computeCapability: null };
  return fingerprintOf({
    kind: machineKindOf(arch(), flags, int8),
    int8,
    arch: arch(),
    cpu: model,
    flags: digestOfFlags(flags),
    cores: usableCores(),
    onnxruntime: libraryVersion(),
    tensorrt,
    computeCapability,
    driver: usesGpu ? readGpuDriver() : null,
  });
}
