import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runReportSchema } from '../../src/contract/report.ts';

const ROOT = join(import.meta.dirname, '../..');

describe('an installation that is a copy', () => {
  let folder: string;
  let prefix: string;
  let command: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'goshawk-install-'));
    prefix = join(folder, 'prefix');
    execFileSync(join(ROOT, 'scripts/install-ament'), ['--copy', prefix]);
    command = join(prefix, 'bin/goshawk');
  });
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const goshawk = (...args: string[]) => spawnSync(command, args, { cwd: folder, encoding: 'utf8' });

  it('has a goshawk command that uses the models of the copy', () => {
    const report = join(folder, 'run.json');
    const { stdout, stderr, status } = goshawk(
      ...['run', '--camera', 'sim', '--size', '320x180', '--seconds', '6', '--report', report],
    );
    expect(stdout + stderr).toContain('ended:');
    expect(status).toBe(0);
    expect(runReportSchema.parse(JSON.parse(readFileSync(report, 'utf8'))).frames.published).toBeGreaterThan(
      0,
    );
    expect(goshawk('models', 'list', '--json').stdout).toContain(join(prefix, 'lib/goshawk/app/models'));
  });

  it('is found through a link, and next to the nodes, where ros2 run looks', () => {
    mkdirSync(join(folder, 'own/bin'), { recursive: true });
    const link = join(folder, 'own/bin/goshawk');
    symlinkSync(command, link);
    expect(spawnSync(link, ['--help'], { encoding: 'utf8' }).stdout).toContain('Edge perception runtime');
    const nodes = readdirSync(join(prefix, 'lib/goshawk'));
    expect(nodes).toEqual(expect.arrayContaining(['camera', 'detector', 'goshawk']));
  });

  it('contains what its commands and messages refer to: the quantizer, the scripts for boards, the documents', () => {
    const app = join(prefix, 'lib/goshawk/app');
    for (const part of [
      'scripts/optimize/requirements.txt',
      'scripts/optimize/goshawk_optimize/__main__.py',
      'scripts/jetson/build-engine',
      'docs/jetson.md',
      'dist/device/web/page/index.html',
      'dist/device/web/page/page.css',
      'dist/device/web/page/page.js',
      'dist/fleet/web/page/index.html',
      'dist/fleet/web/page/page.css',
      'dist/fleet/web/page/page.js',
    ])
      expect(existsSync(join(app, part)), part).toBe(true);
    const { stdout, status } = spawnSync(join(app, 'scripts/jetson/build-engine'), ['--help'], {
      encoding: 'utf8',
    });
    expect(status).toBe(0);
    expect(stdout).toContain('usage:');
  });

  it('contains the same when installed by CMake', () => {
    const script = readFileSync(join(ROOT, 'scripts/install-ament'), 'utf8');
    const cmake = readFileSync(join(ROOT, 'CMakeLists.txt'), 'utf8');
    const words = (text: string | undefined): string[] => (text ?? '').split(' ').sort();
    const copied = [
      ...cmake.matchAll(/install\((?:DIRECTORY|FILES) (.*) DESTINATION lib\/\$\{PROJECT_NAME\}\/app/g),
    ];
    expect(copied.flatMap(([, parts]) => words(parts)).sort()).toEqual(
      words(/for part in (.*); do/.exec(script)?.[1]),
    );
    for (const text of [script, cmake]) expect(text).toContain('.tools/runtime/node');
    expect(cmake).toContain('scripts/bootstrap/copy-pages.mjs');
  });

  it('reports what is missing if the program is not next to it', () => {
    const alone = join(folder, 'goshawk');
    execFileSync('cp', [command, alone]);
    const { stderr, status } = spawnSync(alone, ['doctor'], { encoding: 'utf8' });
    expect(status).toBe(1);
    expect(stderr).toContain('fix: reinstall (scripts/install-ament or colcon build)');
  });
});
