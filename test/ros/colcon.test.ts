import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { ROOT, RosBench } from './support/ros-process.ts';
import { COLCON, describeWith, ROS } from '../support/needs.ts';

const EXECUTABLE = join(ROOT, '.tools/colcon/bin/colcon');

describeWith([ROS, COLCON], 'a colcon workspace, as in docs/ros.md', () => {
  const bench = new RosBench(5);
  let workspace: string;

  beforeAll(() => {
    workspace = mkdtempSync(join(tmpdir(), 'goshawk-colcon-'));
    mkdirSync(join(workspace, 'src'));
    symlinkSync(ROOT, join(workspace, 'src/goshawk'));
  });
  afterAll(async () => {
    await bench.close();
    rmSync(workspace, { recursive: true, force: true });
  });

  it('builds the package, whose node runs once the workspace is sourced', async () => {
    const built = execFileSync(EXECUTABLE, ['build'], { cwd: workspace, encoding: 'utf8', stdio: 'pipe' });
    expect(built).toMatch(/1 package finished/);
    const prefix = join(workspace, 'install/goshawk');
    expect(existsSync(join(prefix, 'share/ament_index/resource_index/packages/goshawk'))).toBe(true);

    const command = ['-c', '. "$0/install/setup.sh" && goshawk models list', workspace];
    expect(execFileSync('bash', command, { encoding: 'utf8' })).toContain('goshawk-street@');

    // a shell that has sourced the workspace, like a user's
    const node = bench.start(
      'bash',
      '-c',
      `. "$0/install/setup.sh" && case ":$AMENT_PREFIX_PATH:" in *":$0/install/goshawk:"*) ;; *) exit 9;; esac && ` +
        `exec "$0/install/goshawk/lib/goshawk/camera" --ros-args -p width:=320 -p height:=180`,
      workspace,
    );
    await node.waitFor(/publishing simulated street 1, 320x180 at 30 Hz/, 60);
    expect(await node.stop()).toBe(0);
  });
});
