import { readFileSync } from 'node:fs';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { childEnvironment, inferenceEnvironment } from '../../src/platform/child-environment.ts';
import { createChildHandle } from '../../src/device/inference/child-handle.ts';
import { runChild } from '../../src/platform/child-process.ts';

const SECRETS = {
  GOSHAWK_MQTT_USERNAME: 'robot',
  GOSHAWK_MQTT_PASSWORD: 'hush',
  GOSHAWK_MQTT_PASSWORD_FILE: '/run/secrets/broker',
};

afterEach(() => {
  vi.unstubAllEnvs();
});

function stub(variables: Readonly<Record<string, string>>): void {
  for (const [name, value] of Object.entries(variables)) vi.stubEnv(name, value);
}

describe('the environment of an inference child', () => {
  it('is separate, as the kernel shows', async () => {
    stub({ ...SECRETS, AWS_SECRET_ACCESS_KEY: 'hush', ROS_DOMAIN_ID: '7', CUDA_VISIBLE_DEVICES: '0' });
    const handle = createChildHandle();
    const ended = new Promise<void>((resolve) => {
      handle.onExit(() => resolve());
    });
    const environment = readFileSync(`/proc/${String(handle.pid)}/environ`, 'utf8').split('\0');
    handle.abandon();
    await ended;
    const names = environment.map((line) => line.split('=')[0] ?? '');
    expect(names).toEqual(expect.arrayContaining(['PATH', 'CUDA_VISIBLE_DEVICES']));
    expect(names.filter((name) => /MQTT|SECRET|^ROS_/.test(name))).toEqual([]);
    expect(environment.join()).not.toContain('hush');
  });

  it('keeps what computing needs, and nothing named like a secret', () => {
    const kept = {
      PATH: '/bin',
      LD_LIBRARY_PATH: '/lib',
      OMP_NUM_THREADS: '2',
      ORT_TENSORRT_FP16_ENABLE: '1',
      UV_THREADPOOL_SIZE: '4',
      NODE_COMPILE_CACHE: '/var/cache/code',
    };
    const left = {
      ...SECRETS,
      NVIDIA_API_KEY: 'hush',
      NV_TOKEN: 'hush',
      PIP_INDEX_URL: 'https://u:p@x',
      DISPLAY: ':0',
    };
    expect(inferenceEnvironment({ ...kept, ...left })).toEqual(kept);
  });
});

describe('the environment of any other child', () => {
  it('is that of this process without the secrets of the broker', async () => {
    stub({ ...SECRETS, ROS_DOMAIN_ID: '7' });
    const { output } = await runChild({
      command: process.execPath,
      args: ['-e', 'console.log(JSON.stringify(process.env))'],
      env: childEnvironment(),
    });
    const environment = JSON.parse(output) as Record<string, string>;
    expect(environment['ROS_DOMAIN_ID']).toBe('7');
    expect(Object.keys(environment).filter((name) => name.startsWith('GOSHAWK_MQTT_'))).toEqual([]);
    expect(childEnvironment({ A: '1', B: undefined, ...SECRETS })).toEqual({ A: '1' });
  });
});
