import { GoshawkError } from '../../contract/errors.ts';
import type { NativeTurn } from './native-turn.ts';
import type { FromRunner, ToRunner } from './runner-messages.ts';
import { Runner } from './runner.ts';
import { runTrial } from './trial.ts';

/**
 * The runner's side of the protocol, over any transport: jobs run one after the other in order of arrival; `close` lets
 * earlier ones finish, frees the graphs and calls `end`.
 * @param turn marks the time spent on a message, for a runner that may be ended from outside meanwhile
 */
export function serve(
  post: (message: FromRunner) => void,
  end: () => void,
  turn?: NativeTurn,
): (message: ToRunner) => void {
  let runner: Runner | null = null;
  let last: Promise<void> = Promise.resolve();

  async function handle(message: ToRunner): Promise<void> {
    switch (message.type) {
      case 'load':
        try {
          const loaded = await Runner.load(message.model);
          runner = loaded.runner;
          post({ type: 'loaded', report: loaded.report });
        } catch (error) {
          post(loadFailed(error));
        }
        return;
      case 'run':
        if (runner !== null) post(await runner.run(message));
        return;
      case 'trial':
        post({ type: 'tried', results: await runTrial(message) });
        return;
      case 'close':
        await runner?.close();
        end();
    }
  }

  return (message) => {
    last = last.then(() => (turn === undefined ? handle(message) : turn.during(() => handle(message))));
  };
}

function loadFailed(error: unknown): FromRunner {
  if (error instanceof GoshawkError) {
    return { type: 'load-failed', code: error.code, details: error.details };
  }
  const reason = error instanceof Error ? error.message : String(error);
  return { type: 'load-failed', code: 'GOSHAWK_INTERNAL', details: { reason } };
}
