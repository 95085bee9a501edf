/** Without a frame, after which a camera is silent, unless an operator says otherwise. */
export const SILENT_AFTER_SECONDS = 3;

/** A slow camera is silent only after so many of its periods. */
const SILENT_PERIODS = 3;

/** The default for a camera that is asked for `rate` frames a second; `undefined` where it sends as it likes. */
export function silentAfterSecondsAt(rate: number | undefined): number {
  return Math.max(SILENT_AFTER_SECONDS, rate === undefined ? 0 : SILENT_PERIODS / rate);
}

/**
 * The one rule of a silent camera, for the log, diagnostics, health, and the page.
 * @param withoutFrameMs since its last frame; `null` where none came yet
 * @param listeningMs for which frames have been taken: neither loading a model nor a pause is a camera's silence
 */
export function isSilent(withoutFrameMs: number | null, listeningMs: number, silentAfterMs: number): boolean {
  return listeningMs > silentAfterMs && (withoutFrameMs === null || withoutFrameMs > silentAfterMs);
}
