import { defineConfig } from 'vitest/config';

/**
 * Projects: `unit` needs nothing but node_modules; `integration` starts real processes (workers, brokers,
 * Chromium, the command line); `ros` needs a ROS 2 environment and runs one file at a time; `fleet` needs a broker and a database.
 */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'unit',
          include: [
            'test/{core,contract,device,tools,fleet,bootstrap}/**/*.test.ts',
            'test/ros/unit/**/*.test.ts',
          ],
          exclude: ['test/fleet/integration/**'],
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'ros',
          include: ['test/ros/**/*.test.ts'],
          exclude: ['test/ros/unit/**'],
          testTimeout: 180_000,
          hookTimeout: 180_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
