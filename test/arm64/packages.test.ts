import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import sharp from 'sharp';
import { expect, it } from 'vitest';
import { libraryVersion } from '../../src/device/inference/session.ts';
import { APP, nodeOnArm64, ROOT } from './machine.ts';
import { ARM64, describeWith } from '../support/needs.ts';

/** e_machine of an ELF file for AArch64. */
const EM_AARCH64 = 183;

const ROS_BINARIES = 'node_modules/rclnodejs/prebuilds';

const ASK = `
  const sharp = require('sharp');
  const { env, listSupportedBackends } = require('onnxruntime-node');
  const backends = listSupportedBackends().map(({ name }) => name);
  sharp({ create: { width: 8, height: 8, channels: 3, background: '#804020' } }).jpeg().toBuffer()
    .then((jpeg) => sharp(jpeg).raw().toBuffer())
    .then((raw) => console.log(JSON.stringify({
      arch: process.arch, vips: sharp.versions.vips, onnxruntime: env.versions.node, backends, bytes: raw.length,
    })));
`;

describeWith(ARM64, 'the packages that npm installs on arm64', () => {
  it('load, in the versions that are used here', async () => {
    expect(JSON.parse(await nodeOnArm64(['-e', ASK]))).toEqual({
      arch: 'arm64',
      vips: sharp.versions.vips,
      onnxruntime: libraryVersion(),
      backends: expect.arrayContaining(['cpu']) as string[],
      bytes: 8 * 8 * 3,
    });
  });

  it('bring a binary of rclnodejs for each ROS 2 that they bring one for here', () => {
    const binaries = (root: string, arch: string): string[] =>
      readdirSync(join(root, ROS_BINARIES, `linux-${arch}`)).filter((name) =>
        name.endsWith('-node-rclnodejs.node'),
      );
    const found = binaries(APP, 'arm64');
    expect(found.sort()).toEqual(
      binaries(ROOT, 'x64')
        .map((name) => name.replace('-x64-', '-arm64-'))
        .sort(),
    );
    for (const distro of ['humble', 'jazzy', 'kilted'])
      expect(found).toContainEqual(expect.stringMatching(new RegExp(`^${distro}-`)));
    for (const name of found) {
      const elf = readFileSync(join(APP, ROS_BINARIES, 'linux-arm64', name));
      expect(elf.readUInt16LE(18), name).toBe(EM_AARCH64);
    }
  });
});
