import { existsSync, lstatSync, mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { PLACES } from '../../scripts/bootstrap/paths.mjs';
import { makeSecondCheckout } from '../../scripts/bootstrap/second-checkout.mjs';

describe('a second checkout', () => {
  let home: string;
  let checkout: string;
  beforeAll(() => {
    home = realpathSync(mkdtempSync(path.join(tmpdir(), 'goshawk-second-')));
    checkout = makeSecondCheckout(home);
  });
  afterAll(() => {
    rmSync(home, { recursive: true });
  });

  it('has its own files, and its own rclnodejs with the packages of the first', () => {
    for (const name of [
      'scripts/bootstrap/main.mjs',
      'src/ros/rcl.ts',
      'test/bootstrap',
      'launch/fastdds.xml',
    ])
      expect(realpathSync(path.join(checkout, name))).toBe(path.join(checkout, name));
    const { resolve } = createRequire(path.join(checkout, 'dist/cli.js'));
    const own = path.join(checkout, 'node_modules/rclnodejs');
    expect(resolve('rclnodejs/package.json')).toBe(path.join(own, 'package.json'));
    expect(resolve('zod/package.json')).toBe(realpathSync(path.join(PLACES.nodeModules, 'zod/package.json')));
    expect(existsSync(path.join(own, 'build'))).toBe(false);
    expect(existsSync(path.join(own, 'generated'))).toBe(false);
    expect(lstatSync(path.join(checkout, 'node_modules/sharp')).isSymbolicLink()).toBe(true);
  });

  it('keeps what was built in it when repeated, and nothing that is gone from the first', () => {
    const built = [
      'node_modules/rclnodejs/build/Release/rclnodejs.node',
      '.ros/bin/python',
      '.goshawk/stamps/ament',
    ];
    const stale = ['src/gone.ts', 'node_modules/gone/package.json'];
    for (const name of [...built, ...stale]) {
      mkdirSync(path.dirname(path.join(checkout, name)), { recursive: true });
      writeFileSync(path.join(checkout, name), '');
    }
    expect(makeSecondCheckout(home)).toBe(checkout);
    for (const name of built) expect(existsSync(path.join(checkout, name)), name).toBe(true);
    for (const name of stale) expect(existsSync(path.join(checkout, name)), name).toBe(false);
  });

  it('is rebuilt when repeated with another rclnodejs', () => {
    const own = path.join(checkout, 'node_modules/rclnodejs');
    writeFileSync(path.join(own, 'package.json'), '{ "version": "0.0.1" }');
    makeSecondCheckout(home);
    expect(existsSync(path.join(own, 'build'))).toBe(false);
    expect(createRequire(own)('./rclnodejs/package.json')).toMatchObject({ name: 'rclnodejs' });
  });
});
