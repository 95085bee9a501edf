import { describeError, GoshawkError } from '../contract/errors.ts';

/**
 * Whether this process has a ROS 2 environment; if not, prints what to do. Must be checked before rclnodejs is
 * imported: without ROS that library tries to rebuild itself, and deletes its working build first.
 */
export function hasRosEnvironment(env: NodeJS.ProcessEnv, say: (line: string) => void): boolean {
  const missing = ['AMENT_PREFIX_PATH', 'ROS_DISTRO'].filter((name) => (env[name] ?? '') === '');
  if (missing.length === 0) return true;
  const reason = `${missing.join(' and ')} ${missing.length === 1 ? 'is' : 'are'} not set`;
  say(describeError(new GoshawkError('GOSHAWK_ROS_UNAVAILABLE', { reason })));
  return false;
}
