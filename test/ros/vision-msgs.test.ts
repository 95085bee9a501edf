import { existsSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { MESSAGE_DEFINITIONS } from '../../src/core/mcap/message-definitions.ts';

/**
 * Type hashes of the vision_msgs 4.1.1 release, from a colcon build of it under Jazzy. ROS 2 does not match nodes with
 * other hashes: fields, their types and their order must be the same.
 */
const RELEASED = {
  Detection2DArray: 'RIHS01_214274120007f4a683866481336b70310268cfa107aebe9d594a6acf75bda968',
  Detection3DArray: 'RIHS01_793f5eab9595ac1c0da07873cc859db42eae51f0ee76056db8562515d830e018',
  LabelInfo: 'RIHS01_3d37df4015cdf660cc851c51897f2acd957e1ca6205ba0a99aebffb9406b0783',
  VisionInfo: 'RIHS01_95d3116a17484ad91c9a2686e1d54890bbfc3ff6c6a2de137738c4950d45d284',
};

interface TypeDescription {
  type_hashes: { type_name: string; hash_string: string }[];
}

/** A file of an installed package of messages. */
function installed(name: string): string | undefined {
  return (process.env['AMENT_PREFIX_PATH'] ?? '')
    .split(':')
    .map((prefix) => `${prefix}/share/${name}`)
    .find((candidate) => existsSync(candidate));
}

/** Fields of a definition, without comments, each with the package of its type. */
function fieldsOf(definition: string, ofPackage: string): string[] {
  return definition
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim().replaceAll(/\s+/g, ' '))
    .filter((line) => line !== '')
    .map((line) => (/^[A-Z][^/ ]* /.test(line) ? `${ofPackage}/${line}` : line));
}

it.for(
  Object.entries(MESSAGE_DEFINITIONS).flatMap(([type, definition]) => {
    const [own = '', ...used] = definition.split(/\n=+\n/);
    return [[type.replace('/msg/', '/'), own] as const].concat(
      used.map((text) => [/^MSG: (.*)/.exec(text)?.[1] ?? '', text.replace(/^.*\n/, '')] as const),
    );
  }),
)('the definition of %s that recordings carry is the installed one', ([type, definition]) => {
  const [ofPackage = '', name = ''] = type.split('/');
  const file = installed(`${ofPackage}/msg/${name}.msg`) ?? expect.unreachable(`${type} is not installed`);
  expect(fieldsOf(definition, ofPackage)).toEqual(fieldsOf(readFileSync(file, 'utf8'), ofPackage));
});

it.for(Object.entries(RELEASED))(
  'vision_msgs/msg/%s has the type hash of the release',
  ([name, hash], { skip }) => {
    const file = installed(`vision_msgs/msg/${name}.json`);
    if (file === undefined) return skip('this ROS 2 is older than type hashes');
    const { type_hashes: hashes } = JSON.parse(readFileSync(file, 'utf8')) as TypeDescription;
    expect(hashes.find((entry) => entry.type_name === `vision_msgs/msg/${name}`)?.hash_string).toBe(hash);
  },
);
