import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = join(import.meta.dirname, '../../..');
const GENERATED = 'src/model/onnx/generated/onnx-ml_pb.ts';

it("the protobuf classes are those that buf and protoc-gen-es make of ONNX's definition", async () => {
  const folder = await mkdtemp(join(tmpdir(), 'goshawk-protobuf-'));
  try {
    const bin = join(ROOT, 'node_modules/.bin');
    const template = ['--template', 'scripts/onnx/buf.gen.yaml', '--output', folder];
    // the plugin is a script for the Node that runs this test
    const path = [dirname(process.execPath), bin, process.env['PATH']].join(delimiter);
    execFileSync(join(bin, 'buf'), ['generate', ...template], {
      cwd: ROOT,
      env: { ...process.env, PATH: path },
    });
    const made = await readFile(join(folder, GENERATED), 'utf8');
    await expect(made).toMatchFileSnapshot(join(ROOT, GENERATED));
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
});
