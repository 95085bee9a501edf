import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

export const ROOT = join(import.meta.dirname, '../..');

/** A document for users, by its path in the repository. */
export interface Document {
  readonly path: string;
  readonly text: string;
}

/** The text between two lines of three backticks. */
export interface Block {
  /** `docs/ros.md:12`, the line of the opening backticks */
  readonly place: string;
  readonly language: string;
  readonly text: string;
}

/** A piece of text in single backticks, outside blocks. */
export interface Inline {
  readonly place: string;
  readonly text: string;
}

export function readDocuments(): Document[] {
  const docs = readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md'));
  const decisions = readdirSync(join(ROOT, 'docs/adr')).map((name) => `adr/${name}`);
  const others = ['README.md', 'CONTRIBUTING.md', 'CHANGELOG.md', 'scripts/training/README.md'];
  return [...others, ...[...docs, ...decisions].map((name) => `docs/${name}`)].map((path) => ({
    path,
    text: readFileSync(join(ROOT, path), 'utf8'),
  }));
}

interface Line {
  readonly number: number;
  readonly text: string;
}

/** Lines outside blocks, and the blocks. */
function split({ path, text }: Document): { prose: Line[]; blocks: Block[] } {
  const prose: Line[] = [];
  const blocks: Block[] = [];
  let open: { place: string; language: string; lines: string[] } | null = null;
  text.split('\n').forEach((line, index) => {
    const fence = /^\s*```(\w*)\s*$/.exec(line);
    if (fence !== null && open === null) {
      open = { place: `${path}:${index + 1}`, language: fence[1] ?? '', lines: [] };
    } else if (fence !== null && open !== null) {
      const { place, language, lines } = open;
      blocks.push({ place, language, text: lines.join('\n') });
      open = null;
    } else if (open === null) prose.push({ number: index + 1, text: line });
    else open.lines.push(line);
  });
  return { prose, blocks };
}

export function blocksOf(document: Document): Block[] {
  return split(document).blocks;
}

export function inlineCodeOf(document: Document): Inline[] {
  return split(document).prose.flatMap(({ number, text }) =>
    [...text.matchAll(/`([^`]+)`/g)].map((match) => ({
      place: `${document.path}:${number}`,
      text: match[1]!,
    })),
  );
}

/** Targets of links, including images. */
export function linksOf(document: Document): Inline[] {
  return split(document).prose.flatMap(({ number, text }) =>
    [...text.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => ({
      place: `${document.path}:${number}`,
      text: match[1]!,
    })),
  );
}

/** Anchors of a document's headings, as GitHub makes them. */
export function anchorsOf(text: string): Set<string> {
  return new Set(
    [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
      heading
        .toLowerCase()
        .replace(/[^\w\- ]/g, '')
        .replaceAll(' ', '-'),
    ),
  );
}

/** The text of all files below folders of the repository with one of these endings. */
export function sourceText(folders: readonly string[], endings: RegExp): string {
  return folders
    .flatMap((folder) =>
      readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && endings.test(entry.name))
        .map((entry) => readFileSync(join(entry.parentPath, entry.name), 'utf8')),
    )
    .join('\n');
}
