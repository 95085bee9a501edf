import { join } from 'node:path';

const SRC = join(import.meta.dirname, '../../src');

/**
 * The programs as their sources, which Node runs as they are: no test of them needs a build, and none runs a
 * stale one. What is installed, and what other machines run, is compiled (`install`, `colcon`, `arm64`, `avx2`).
 */
export const CLI = join(SRC, 'cli.ts');

/** Entry of a ROS node. */
export const rosNode = (name: 'detector' | 'camera'): string => join(SRC, `ros/nodes/${name}.ts`);
