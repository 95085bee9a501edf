import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command, Option } from 'commander';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { makeProgram } from '../../src/cli/program.ts';

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'goshawk-outputs-'));
  await writeFile(join(folder, 'file'), 'a file');
});

afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
});

/** Options for files and folders that are written. */
const OUTPUTS = new Set(['report', 'html', 'detections', 'driftReferenceOut', 'out', 'work']);

interface Output {
  readonly command: Command;
  readonly words: readonly string[];
  readonly option: Option;
}

function outputsOf(command: Command, words: readonly string[] = []): Output[] {
  return [
    ...command.options
      .filter((option) => OUTPUTS.has(option.attributeName()))
      .map((option) => ({ command, words, option })),
    ...command.commands.flatMap((one) => outputsOf(one, [...words, one.name()])),
  ];
}

/** A command line with nonexistent inputs, so that only the outputs can be refused. */
function lineOf({ command, words, option }: Output, place: string): string[] {
  const missing = join(folder, 'no-such-input');
  const given = (one: Option): string[] => {
    if (one === option) return [one.long!, place];
    if (!one.mandatory) return [];
    if (OUTPUTS.has(one.attributeName())) return [one.long!, join(folder, `new-${one.attributeName()}`)];
    return [one.long!, VALUES[one.attributeName()] ?? missing];
  };
  return [...words, ...command.registeredArguments.map(() => missing), ...command.options.flatMap(given)];
}

const VALUES: Readonly<Record<string, string>> = {
  count: '1000000',
  seed: '1',
  name: 'ada',
  role: 'viewer',
  variant: 'fp32',
  tensorrt: '10.3.0',
  computeCapability: '8.7',
};

const all = outputsOf(await makeProgram());
const nameOf = ({ words, option }: Output): string => `${words.join(' ')} ${option.long!}`;

/** True for an option for a file, false for a folder that can be created. */
const isFile = ({ option }: Output): boolean => /<file>/.test(option.flags);

it.each(all.map((output) => [nameOf(output), output] as const))(
  '%s is checked before any work',
  async (_name, output) => {
    // a folder cannot be created below a file, and a file cannot be created in a nonexistent folder
    const place = isFile(output) ? join(folder, 'nowhere', 'file') : join(folder, 'file', 'below');
    const line = lineOf(output, place);
    await expect((await makeProgram(line)).parseAsync(['node', 'goshawk', ...line])).rejects.toMatchObject({
      code: 'GOSHAWK_OUTPUT_REFUSED',
      message: expect.stringContaining(place) as unknown,
    });
    expect(await readdir(folder)).toEqual(['file']);
  },
);

it('every command that writes is among them', () => {
  expect(all.map(nameOf).sort()).toEqual(
    [
      'bench accuracy-estimate --report',
      'bench capture --report',
      'bench drift --report',
      'bench headline --report',
      'bench outbox --report',
      'bench peers --report',
      'bench ros --report',
      'bench swap --report',
      'bench telemetry --report',
      'demo --report',
      'drift bench --report',
      'drift fit --out',
      'drift reference --out',
      'drift replay --report',
      'drift report --html',
      'evaluate --detections',
      'evaluate --drift-reference-out',
      'evaluate --report',
      'fleet faults --report',
      'fleet load --report',
      'fleet token create --out',
      'fleet triage --report',
      'models add-engine --out',
      'models add-references --out',
      'models engine-input --out',
      'models import --out',
      'models pack --out',
      'optimize --drift-reference-out',
      'optimize --html',
      'optimize --out',
      'optimize --report',
      'optimize --work',
      'run --report',
      'simulate --out',
    ].sort(),
  );
});

it('an import is refused before the file is read if its bundle exists already', async () => {
  await mkdir(join(folder, 'models', 'yolo', '1.0.0'), { recursive: true });
  const line = ['models', 'import', join(folder, 'yolo.onnx'), '--out', join(folder, 'models')];
  try {
    await expect((await makeProgram(line)).parseAsync(['node', 'goshawk', ...line])).rejects.toMatchObject({
      code: 'GOSHAWK_USAGE',
      message: expect.stringContaining('exists already') as unknown,
    });
  } finally {
    await rm(join(folder, 'models'), { recursive: true });
  }
});
