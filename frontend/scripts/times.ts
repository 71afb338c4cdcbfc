/** Keeps "11 min ago" true on a page that stays open; the same words as `presentation.ago`. */

const EVERY = 30_000;
const DAY = 22 * 3600;

export function startTimes(): void {
  window.setInterval(() => {
    for (const element of document.querySelectorAll<HTMLTimeElement>("time[data-ago]")) {
      const seconds = (Date.now() - Date.parse(element.dateTime)) / 1000;
      if (seconds >= 0 && seconds < DAY) element.textContent = ago(seconds);
    }
  }, EVERY);
}

export function ago(seconds: number): string {
  if (seconds < 45) return "just now";
  if (seconds < 90 * 60) return `${Math.max(1, Math.round(seconds / 60))} min ago`;
  return `${Math.round(seconds / 3600)} h ago`;
}
