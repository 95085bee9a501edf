/**
 * How an image is scaled down: `bilinear` reads four source pixels per output pixel, like OpenCV's
 * INTER_LINEAR, which YOLOX and Ultralytics' models are trained with; `average` reads all of them, which
 * avoids aliasing. A network is most accurate with the method that it was trained with.
 */
export type LetterboxResize = 'bilinear' | 'average';

/** Where the scaled image lies inside the network input: `top-left` as YOLOX trains, `center` as Ultralytics does. */
export type LetterboxAnchor = 'top-left' | 'center';

/**
 * The mapping of a source image into the network input: scale by `scale`, then shift by (`padX`, `padY`).
 * network = source * scale + pad.
 */
export interface Letterbox {
  readonly sourceWidth: number;
  readonly sourceHeight: number;
  readonly inputWidth: number;
  readonly inputHeight: number;
  /** scaled image size, integer pixels, >= 1 */
  readonly scaledWidth: number;
  readonly scaledHeight: number;
  readonly padX: number;
  readonly padY: number;
  readonly scale: number;
}

/** Far above the error of one product of doubles, far below a pixel. */
const ROUNDING_ERROR = 1e-6;

/**
 * Keeps the aspect ratio: scale = min(inputWidth / width, inputHeight / height), scaled sizes rounded down as
 * YOLOX's `preproc` does for `top-left`, rounded to nearest as Ultralytics' `LetterBox` does for `center`. A
 * product within rounding error of a whole number counts as that number: 360 * (448 / 640) is
 * 251.99999999999997 and means 252.
 */
export function letterboxFor(
  sourceWidth: number,
  sourceHeight: number,
  inputWidth: number,
  inputHeight: number,
  anchor: LetterboxAnchor,
): Letterbox {
  const scale = Math.min(inputWidth / sourceWidth, inputHeight / sourceHeight);
  const round =
    anchor === 'top-left' ? (side: number): number => Math.floor(side + ROUNDING_ERROR) : Math.round;
  const scaledWidth = Math.min(inputWidth, Math.max(1, round(sourceWidth * scale)));
  const scaledHeight = Math.min(inputHeight, Math.max(1, round(sourceHeight * scale)));
  const centered = anchor === 'center';
  return {
    sourceWidth,
    sourceHeight,
    inputWidth,
    inputHeight,
    scaledWidth,
    scaledHeight,
    padX: centered ? Math.floor((inputWidth - scaledWidth) / 2) : 0,
    padY: centered ? Math.floor((inputHeight - scaledHeight) / 2) : 0,
    scale,
  };
}
