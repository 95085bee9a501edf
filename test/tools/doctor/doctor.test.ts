import { describe, expect, it } from 'vitest';
import { doctorReportSchema } from '../../../src/contract/doctor.ts';
import { GoshawkError } from '../../../src/contract/errors.ts';
import { describeHost } from '../../../src/platform/describe-host.ts';
import {
  checkBundles,
  checkProviders,
  checkModelReferences,
  type ModelPorts,
  type ReferenceFact,
} from '../../../src/tools/doctor/checks/models.ts';
import { doctorReport, examine, formatChecks } from '../../../src/tools/doctor/doctor.ts';
import { fakeProbe } from './fake-probe.ts';

const cpuOnly: ReturnType<ModelPorts['providers']> = [
  { provider: 'tensorrt', available: false, reason: 'not built in' },
  { provider: 'cpu', available: true, reason: '' },
];
const STREET: ReferenceFact = {
  name: 'street 1.0.0',
  refused: [],
  unchecked: [],
  choice: 'int8 on cpu (measured)',
};
const healthy: ModelPorts = {
  providers: () => cpuOnly,
  bundles: () => Promise.resolve([{ name: 'street 1.0.0', check: () => Promise.resolve() }]),
  references: () => Promise.resolve([STREET]),
};

describe('models', () => {
  it('warns of a Jetson that uses only its CPU', () => {
    expect(checkProviders(fakeProbe({}), healthy)).toMatchObject({
      status: 'ok',
      finding: 'ONNX Runtime with cpu; not tensorrt: not built in',
    });
    const jetson = fakeProbe({ files: { '/etc/nv_tegra_release': '# R36' } });
    expect(checkProviders(jetson, healthy)).toMatchObject({
      status: 'warn',
      finding: expect.stringContaining('tensorrt: not built in') as string,
    });
  });

  it('fails without any provider', () => {
    const none: ModelPorts = { ...healthy, providers: () => cpuOnly.slice(0, 1) };
    expect(checkProviders(fakeProbe({}), none).status).toBe('fail');
  });

  it('fails without a bundle, and on a wrong digest that it names', async () => {
    await expect(checkBundles({ ...healthy, bundles: () => Promise.resolve([]) })).resolves.toMatchObject({
      status: 'fail',
    });
    const error = new GoshawkError('GOSHAWK_BUNDLE_DIGEST', {
      file: 'model.onnx',
      bundle: 'b',
      actual: '0',
      expected: '1',
    });
    const broken = { name: 'b', check: () => Promise.reject(error) };
    const finding = await checkBundles({ ...healthy, bundles: () => Promise.resolve([broken]) });
    expect(finding).toMatchObject({
      status: 'fail',
      finding: expect.stringContaining('model.onnx') as string,
    });
  });
});

describe('references', () => {
  const found = (change: Partial<ReferenceFact>) =>
    checkModelReferences({ ...healthy, references: () => Promise.resolve([{ ...STREET, ...change }]) });

  it('are fine if every variant reproduces its outputs, and name the one that runs', async () => {
    expect(await found({})).toMatchObject({ status: 'ok', finding: 'street 1.0.0: int8 on cpu (measured)' });
  });

  it('name variants that cannot be checked', async () => {
    const unchecked = ['fp32 on cpu'];
    expect(await found({ unchecked })).toMatchObject({
      status: 'ok',
      finding: expect.stringContaining('unchecked: fp32 on cpu') as string,
    });
  });

  it('warn about a refused variant with its deviation, and fail if none is left', async () => {
    const refused = ['int8 on cpu: deviation 0.57'];
    expect(await found({ refused })).toMatchObject({
      status: 'warn',
      finding: expect.stringContaining('refused: int8 on cpu: deviation 0.57') as string,
    });
    expect(await found({ refused, choice: '' })).toMatchObject({ status: 'fail' });
  });
});

describe('examine', () => {
  it('continues after a check that throws, and returns a report that follows the schema', async () => {
    const ports: ModelPorts = {
      ...healthy,
      providers: () => {
        throw new Error('libonnxruntime.so.1: cannot open shared object file');
      },
    };
    const checks = await examine(fakeProbe({}), ports);
    const report = doctorReportSchema.parse(
      JSON.parse(JSON.stringify(doctorReport(checks, describeHost(['cpu']), new Date()))),
    );
    const broken = report.checks.find(({ name }) => name === 'providers');
    expect(broken).toMatchObject({
      status: 'fail',
      finding: expect.stringContaining('libonnxruntime') as string,
    });
    expect(report.checks.at(-1)?.name).toBe('threads');
    expect(new Set(report.checks.map(({ name }) => name)).size).toBe(report.checks.length);
  });

  it('adds a fix to every finding that is not ok, and only to those', async () => {
    for (const { status, fix } of await examine(fakeProbe({ cores: 8 }), healthy)) {
      expect(fix === null).toBe(status === 'ok');
    }
  });
});

it('prints the fix below its finding', () => {
  const text = formatChecks([
    { name: 'node', status: 'ok', finding: '24.1.0', fix: null },
    { name: 'disk', status: 'fail', finding: '3 MiB free', fix: 'free some space' },
  ]);
  expect(text.split('\n')).toEqual([
    '[ ok ] node  24.1.0',
    '[FAIL] disk  3 MiB free',
    '             fix: free some space',
  ]);
});
