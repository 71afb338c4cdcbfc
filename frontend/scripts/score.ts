/** Moves a score ring to a new value. */

const DURATION = 700;
const running = new WeakMap<Element, number>();
const still = window.matchMedia("(prefers-reduced-motion: reduce)");

export function setScore(ring: SVGElement, score: number, letter: string): void {
  const number = ring.querySelector("[data-ring-number]");
  const from = Number(number?.textContent ?? score);
  ring.setAttribute("class", `score-ring score-ring-${letter.toLowerCase()}`);
  ring.setAttribute("aria-label", `Score ${Math.round(score)}`);
  ring.querySelector("[data-ring-arc]")?.setAttribute("stroke-dasharray", `${score.toFixed(1)} 100`);
  showLetter(ring, letter);
  if (!number) return;
  cancelAnimationFrame(running.get(number) ?? 0);
  if (still.matches || document.hidden) {
    number.textContent = String(Math.round(score));
    return;
  }
  const start = performance.now();
  const step = (now: number): void => {
    const part = Math.min(1, (now - start) / DURATION);
    const eased = 1 - (1 - part) ** 3;
    number.textContent = String(Math.round(from + (score - from) * eased));
    if (part < 1) running.set(number, requestAnimationFrame(step));
  };
  running.set(number, requestAnimationFrame(step));
}

function showLetter(ring: SVGElement, letter: string): void {
  const badge = ring.closest("summary")?.querySelector("[data-grade]");
  if (!badge?.lastChild) return;
  badge.setAttribute("class", `grade grade-${letter.toLowerCase()}`);
  badge.lastChild.textContent = letter;
}
