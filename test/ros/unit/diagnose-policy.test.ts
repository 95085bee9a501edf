import { expect, it } from 'vitest';
import { diagnosePolicy } from '../../../src/ros/detector/diagnose-policy.ts';

it('says which rules of a policy are in force, for which camera, and what they do', () => {
  expect(diagnosePolicy({ rules: 2, active: [] })).toEqual({
    name: 'drift policy',
    level: 'ok',
    message: 'no rule is in force',
    values: { rules: 2 },
  });
  const active = [
    { rule: 'careful', camera: 'front', actions: ['set score_threshold=0.6', 'freeze'], seconds: 3 },
    { rule: 'tell', camera: 'rear', actions: [], seconds: 1 },
  ];
  expect(diagnosePolicy({ rules: 2, active })).toEqual({
    name: 'drift policy',
    level: 'warn',
    message: 'in force: careful for front, tell for rear',
    values: { rules: 2, 'careful front': 'set score_threshold=0.6, freeze', 'tell rear': 'no action' },
  });
});
