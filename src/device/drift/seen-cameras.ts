/** Of which cameras something is known, as their last frame is not long ago. */
export class SeenCameras {
  readonly #lastMs = new Map<string, number>();
  readonly #lost = new Set<string>();

  /** A frame. @param nowMs a clock that never runs backwards, here and below */
  note(camera: string, nowMs: number): void {
    this.#lastMs.set(camera, nowMs);
    this.#lost.delete(camera);
  }

  /** Cameras that have sent nothing for longer than `afterMs` by now: each once, until it sends again. */
  newlyLost(nowMs: number, afterMs: number): string[] {
    const lost = [...this.#lastMs].filter(([, lastMs]) => nowMs - lastMs > afterMs).map(([camera]) => camera);
    for (const camera of lost) {
      this.#lastMs.delete(camera);
      this.#lost.add(camera);
    }
    return lost;
  }

  /** Cameras that sent frames once, and of which nothing is known now. */
  get lost(): readonly string[] {
    return [...this.#lost];
  }
}
