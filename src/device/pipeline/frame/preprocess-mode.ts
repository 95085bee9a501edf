/** How an image gets to the size of the network: by sharp on this side, or by the graph. */
export type PreprocessMode = 'sharp' | 'graph';

/** The mode chosen for a camera, and the reason in words. */
export interface PreprocessDecision {
  readonly mode: PreprocessMode;
  readonly why: string;
}
