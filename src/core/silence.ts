/** Time without a frame after which a camera is silent, unless the operator sets another. */
export const SILENT_AFTER_SECONDS = 3;

/** A slow camera is silent only after this many of its periods. */
const SILENT_PERIODS = 3;

/** The default for a camera with a set rate, in frames per second; `undefined` if it sends at its own pace. */
export function silentAfterSecondsAt(rate: number | undefined): number {
  return Math.max(SILENT_AFTER_SECONDS, rate === undefined ? 0 : SILENT_PERIODS / rate);
}

/**
 * The one definition of a silent camera, for the log, diagnostics, health and the page.
 * @param withoutFrameMs since its last frame; `null` if there was none yet
 * @param listeningMs how long frames have been accepted: loading a model or a pause does not make a camera silent
 */
export function isSilent(withoutFrameMs: number | null, listeningMs: number, silentAfterMs: number): boolean {
  return listeningMs > silentAfterMs && (withoutFrameMs === null || withoutFrameMs > silentAfterMs);
}
