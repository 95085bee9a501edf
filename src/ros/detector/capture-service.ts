import type { CaptureAnswer, ClipTrigger } from '../../contract/clips.ts';
import { runMicrotasksSoon } from '../event-loop.ts';
import type { LifecycleNode } from '../rcl.ts';

interface TriggerResponse {
  readonly template: object;
  send(response: object): void;
}

const TRIGGER = { reason: 'manual', text: 'asked for by ROS', camera: null, isProtected: false } as const;

/** `~/capture` (std_srvs/Trigger): records a clip of all cameras; `message` is its name, or why there is none. */
export function serveCapture(node: LifecycleNode, capture: (trigger: ClipTrigger) => CaptureAnswer): void {
  node.createService('std_srvs/srv/Trigger', '~/capture', (_request, response: TriggerResponse) => {
    runMicrotasksSoon();
    const answer = capture(TRIGGER);
    const success = 'clip' in answer;
    const message = success ? answer.clip : `${answer.code}: ${answer.reason}`;
    response.send({ ...response.template, success, message });
  });
}
