/** Replaces the parts of a page that the server says are live (`data-live-part`), and leaves alone what is in use. */

import { freshen } from "./say";

let timer: number | undefined;
let running = false;

/** Once, `delay` milliseconds from now, however often it is asked for meanwhile. */
export function refreshPartsSoon(delay: number): void {
  timer ??= window.setTimeout(() => void refreshParts(), delay);
}

export async function refreshParts(): Promise<void> {
  window.clearTimeout(timer);
  timer = undefined;
  if (running) return refreshPartsSoon(500);
  running = true;
  try {
    const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
    if (!answer.ok || answer.redirected) return;
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    for (const part of document.querySelectorAll<HTMLElement>("[data-live-part]")) {
      const next = page.getElementById(part.id);
      if (next && next.innerHTML !== part.innerHTML && !part.contains(document.activeElement)) replace(part, next);
    }
  } catch {
    // Offline: the feed says so, and the next frame asks again.
  } finally {
    running = false;
  }
}

function replace(part: HTMLElement, next: HTMLElement): void {
  const open = [...part.querySelectorAll("details")].map((each) => each.open);
  const known = new Set([...part.querySelectorAll("li[id]")].map((each) => each.id));
  part.replaceChildren(...next.childNodes);
  const details = part.querySelectorAll("details");
  if (details.length === open.length) details.forEach((each, index) => (each.open = open[index]));
  if (known.size === 0) return;
  for (const item of part.querySelectorAll<HTMLElement>("li[id]")) if (!known.has(item.id)) freshen(item);
}
