import { join } from 'node:path';

const SRC = join(import.meta.dirname, '../../src');

/**
 * The programs as sources, which Node runs directly: tests of them need no build, and never run a stale one. Whatever
 * is installed, and whatever other machines run, is compiled (`install`, `colcon`, `arm64`, `avx2`).
 */
export const CLI = join(SRC, 'cli.ts');

/** Entry of a ROS node. */
export const rosNode = (name: 'detector' | 'camera'): string => join(SRC, `ros/nodes/${name}.ts`);
