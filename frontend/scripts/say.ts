/** Telling the reader: aloud to a screen reader, as a toast, or by a short light on what changed. */

const QUIET = 4_000;
let spokenAt = -QUIET;
let waiting: number | undefined;

/** Politely, and at most once in four seconds: of several changes the last is said. */
export function announce(words: string): void {
  window.clearTimeout(waiting);
  const wait = Math.max(0, spokenAt + QUIET - performance.now());
  waiting = window.setTimeout(() => {
    const region = document.querySelector("[data-announcer]");
    if (region) region.textContent = words;
    spokenAt = performance.now();
  }, wait);
}

export function toast(words: string, link?: { href: string; words: string }): void {
  const item = document.createElement("div");
  item.className = "toast-item";
  item.setAttribute("role", "status");
  item.append(words);
  if (link) {
    const anchor = document.createElement("a");
    anchor.className = "toast-link";
    anchor.href = link.href;
    anchor.textContent = link.words;
    item.append(anchor);
  }
  document.querySelector("[data-toasts]")?.append(item);
  window.setTimeout(() => item.remove(), 8_000);
}

export function freshen(element: HTMLElement): void {
  element.removeAttribute("data-fresh");
  void element.offsetWidth; // starts the animation anew
  element.setAttribute("data-fresh", "");
}
