import type { DropReason } from '../../contract/drops.ts';
import type { Clock } from '../../platform/clock.ts';
import type { EngineIncident } from '../inference/engine.ts';
import { NoticeThrottle } from './notice-throttle.ts';
import type { NoticeSubject, PipelineNotice } from './pipeline-options.ts';

/** The pipeline's log lines: codes, levels and texts. */
export class PipelineNotices {
  readonly #throttle: NoticeThrottle;

  constructor(clock: Clock, listener: ((notice: PipelineNotice) => void) | undefined) {
    this.#throttle = new NoticeThrottle(clock, listener);
  }

  sinkFailed(sink: string, reason: string): void {
    this.#throttle.send({ level: 'warn', code: 'SINK_FAILED', reason: sink, message: `${sink}: ${reason}` });
  }

  frameRefused(camera: string, reason: DropReason, detail: string): void {
    const message = `${camera}: ${reason}: ${detail}`;
    this.#throttle.send({ level: 'warn', code: 'FRAME_REFUSED', camera, reason, message });
  }

  clockReset(camera: string): void {
    const message = `${camera}: stamps started over (a recording that loops, or a clock that was set)`;
    this.#throttle.send({ level: 'info', code: 'CLOCK_RESET', camera, message });
  }

  incident({ kind, code, message }: EngineIncident): void {
    const level: PipelineNotice['level'] = kind === 'restored' ? 'info' : 'error';
    this.#throttle.send({ level, code, reason: kind, message });
  }

  sizing(level: 'info' | 'warn', message: string): void {
    this.#throttle.send({ level, code: 'ENGINE_SIZING', message });
  }

  engineCloseSlow(): void {
    this.#throttle.send({
      level: 'warn',
      code: 'ENGINE_CLOSE_SLOW',
      message: 'the engine does not shut down',
    });
  }

  fromPath(code: string, message: string, subject: NoticeSubject): void {
    const level = code === 'PREPROCESS_CHOSEN' ? 'info' : 'warn';
    this.#throttle.send({ level, code, message, ...subject });
  }
}
