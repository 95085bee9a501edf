// Comes before uPlot, which formats numbers for the browser's language and does not load if that is not a valid one:
// Chromium under the locale "C" calls its own en-US@posix.
try {
  new Intl.NumberFormat(navigator.language);
} catch {
  Object.defineProperty(navigator, 'language', { value: 'en-US' });
}
