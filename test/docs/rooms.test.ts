import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ROOT } from './documents.ts';

interface Rule {
  readonly name: string;
  readonly comment?: string;
}

const sorted = (rooms: readonly string[]): string => [...rooms].sort().join(', ');

/** What each room may import, as dependency-cruiser enforces it. */
function enforcedArrows(): Map<string, string> {
  const config = createRequire(import.meta.url)(join(ROOT, '.dependency-cruiser.cjs')) as {
    forbidden: readonly Rule[];
  };
  return new Map(
    config.forbidden.flatMap(({ name, comment = '' }) => {
      const room = /^(\w+)-arrows$/.exec(name)?.[1];
      const allowed = comment.split(': ')[1]?.split(', ') ?? [];
      return room === undefined ? [] : [[room, sorted(allowed.filter((other) => other !== room))]];
    }),
  );
}

it('the rooms of docs/architecture.md have the arrows that are enforced', () => {
  const text = readFileSync(join(ROOT, 'docs/architecture.md'), 'utf8');
  const rows = [...text.matchAll(/^\| `src\/(\w+)` \|.*\| ([^|]*) \|$/gm)];
  const rooms = rows.map(([, room = '']) => room);
  const written = rows.map(([, room = '', cell = ''], index): [string, string] => {
    const above = rooms.slice(0, index);
    const [, butFor] = /^all above but (\w+)$/.exec(cell) ?? [];
    const range = /^(\w+) to (\w+)$/.exec(cell);
    if (cell === 'all above' || butFor !== undefined)
      return [room, sorted(above.filter((other) => other !== butFor))];
    if (range !== null)
      return [room, sorted(rooms.slice(rooms.indexOf(range[1]!), rooms.indexOf(range[2]!) + 1))];
    return [room, sorted(cell.split(', ').filter((other) => rooms.includes(other)))];
  });
  expect(new Map(written)).toEqual(enforcedArrows());
});

/** Arrows that the room of an arrow has as well are left out, so that a person can read the picture. */
function drawn(arrows: ReadonlyMap<string, string>): string[] {
  const targets = (room: string): string[] => (arrows.get(room) ?? '').split(', ').filter((to) => to !== '');
  return [...arrows.keys()].flatMap((room) =>
    targets(room)
      .filter((to) => !targets(room).some((between) => targets(between).includes(to)))
      .map((to) => `${room} --> ${to}`),
  );
}

it('the picture of the rooms in the README has the arrows that are enforced', () => {
  const text = readFileSync(join(ROOT, 'README.md'), 'utf8');
  const [, picture = ''] = /```mermaid\n([\s\S]*?)```/.exec(text) ?? [];
  const arrows = [...picture.matchAll(/^ *(\w+)(?:\[.*?\])? --> (\w+)/gm)].map(
    ([, from, to]) => `${from} --> ${to}`,
  );
  expect(arrows.sort()).toEqual(drawn(enforcedArrows()).sort());
});
