/** How an image is brought to the network's size: by sharp in this process, or by the graph. */
export type PreprocessMode = 'sharp' | 'graph';

/** The mode chosen for a camera, and the reason in words. */
export interface PreprocessDecision {
  readonly mode: PreprocessMode;
  readonly why: string;
}
