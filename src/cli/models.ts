import type { Command } from 'commander';
import { addCommands, type CommandRow } from './kit/command-rows.ts';

const COMMANDS: readonly CommandRow[] = [
  { names: ['list'], add: async (parent) => (await import('./models-list.ts')).registerModelsList(parent) },
  {
    names: ['show', 'verify'],
    add: async (parent) => (await import('./models-show.ts')).registerModelsShow(parent),
  },
  {
    names: ['lineage'],
    add: async (parent) => (await import('./models-lineage.ts')).registerModelsLineage(parent),
  },
  {
    names: ['engine-input', 'add-engine'],
    add: async (parent) => (await import('./models-engine.ts')).registerModelsEngine(parent),
  },
  {
    names: ['add-references'],
    add: async (parent) => (await import('./models-references.ts')).registerModelsReferences(parent),
  },
  { names: ['pack'], add: async (parent) => (await import('./models-list.ts')).registerModelsPack(parent) },
  {
    names: ['import'],
    add: async (parent) => (await import('./models-import.ts')).registerModelsImport(parent),
  },
];

/** Adds `goshawk models` to the program. */
export async function registerModels(program: Command, words: readonly string[]): Promise<void> {
  const models = program.command('models').description('manage the models on this machine');
  await addCommands(models, COMMANDS, words);
}
