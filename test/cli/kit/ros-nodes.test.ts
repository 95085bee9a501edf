import { existsSync } from 'node:fs';
import { expect, it } from 'vitest';
import { rosNodes } from '../../../src/cli/kit/ros-nodes.ts';

it('the nodes that "demo" and "bench ros" start are sources while those commands run from sources', () => {
  const nodes = Object.values(rosNodes());
  expect(nodes.map((file) => /src\/ros\/nodes\/(\w+\.ts)$/.exec(file)?.[1])).toEqual([
    'camera.ts',
    'detector.ts',
  ]);
  expect(nodes.every((file) => existsSync(file))).toBe(true);
});
