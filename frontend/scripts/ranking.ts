/** The ranked list: rows change where they stand, and change places only when nobody is about to touch one. */

import { setScore } from "./score";
import { announce, freshen } from "./say";
import type { Frame } from "./live";

const ROWS_AT_ONCE = 4;
const BREATH = 400;
const MOVE = { duration: 420, easing: "cubic-bezier(0.2, 0, 0, 1)" };
const still = window.matchMedia("(prefers-reduced-motion: reduce)");
const touch = window.matchMedia("(hover: none)");

export interface RankedList {
  take: (frame: Frame) => void;
}

export function rankedList(): RankedList {
  const stale = new Set<string>();
  const arriving = new Set<string>();
  let fetching = false;
  let pointerInside = false;

  document.addEventListener("pointerover", (event) => {
    const inside = event.pointerType === "mouse" && (event.target as Element).closest(".lead-table") !== null;
    if (pointerInside && !inside) window.setTimeout(settle, 300);
    pointerInside = inside;
  });
  document.addEventListener("focusout", () => window.setTimeout(settle, 300));
  document.addEventListener("click", (event) => {
    if ((event.target as Element).closest("[data-refresh-pill]")) reorder();
  });
  document.addEventListener("htmx:afterSwap", dropDoubles);

  function take(frame: Frame): void {
    const id = frame.lead_id;
    if (!id) return;
    const row = rowOf(id);
    if (row && frame.kind === "score.changed") {
      row.dataset.score = String(frame.score);
      const ring = row.querySelector<SVGElement>("[data-ring]");
      if (ring) setScore(ring, Number(frame.score), String(frame.grade));
      freshen(row);
      settle();
    }
    if (!row && !belongs(frame)) return;
    if (!row) arriving.add(id);
    if (frame.kind === "lead.captured") announce(`New lead: ${frame.name ?? "no name"}, score ${Math.round(Number(frame.score))}`);
    stale.add(id);
    void fetchRows();
  }

  /** Whether a lead that is not shown has its place among those that are. */
  function belongs(frame: Frame): boolean {
    const results = document.getElementById("results");
    if (results?.dataset.open === undefined || typeof frame.score !== "number") return false;
    const last = rows().at(-1);
    const more = document.querySelector("#paging a[hx-get]") !== null;
    return !last || !more || frame.score >= scoreOf(last);
  }

  async function fetchRows(): Promise<void> {
    if (fetching) return;
    fetching = true;
    while (stale.size > 0 && !document.hidden) {
      const ids = [...stale].slice(0, ROWS_AT_ONCE);
      ids.forEach((id) => stale.delete(id));
      await Promise.all(ids.map(fetchRow));
      settle();
      await new Promise((done) => window.setTimeout(done, BREATH));
    }
    fetching = false;
  }

  async function fetchRow(id: string): Promise<void> {
    const answer = await fetch(`/leads/${id}/row`, { headers: { Accept: "text/html" } }).catch(() => undefined);
    if (!answer?.ok || answer.redirected) return;
    const box = document.createElement("template");
    box.innerHTML = await answer.text();
    const next = box.content.querySelector<HTMLElement>("tr");
    if (!next) return;
    const row = rowOf(id);
    if (row) patch(row, next);
    else if (arriving.delete(id)) insert(next);
  }

  document.addEventListener("visibilitychange", () => void fetchRows());

  function insert(row: HTMLElement): void {
    const body = document.getElementById("lead-rows");
    if (!body) return;
    const before = held() ? undefined : rows().find((other) => scoreOf(other) < scoreOf(row));
    body.insertBefore(row, before ?? null);
    freshen(row);
    settle();
  }

  /** Puts the rows in order now, or says that they are not. */
  function settle(): void {
    const moved = ranked() ? outOfPlace() : 0;
    if (moved > 0 && !held()) return reorder();
    const pill = document.querySelector<HTMLElement>("[data-refresh-pill]");
    const button = pill?.querySelector("button");
    if (!pill || !button) return;
    pill.hidden = moved === 0;
    if (moved > 0) button.textContent = `${moved} ${moved === 1 ? "lead" : "leads"} moved: refresh the order`;
  }

  function held(): boolean {
    const table = document.querySelector(".lead-table");
    return (
      pointerInside ||
      (touch.matches && window.scrollY > 160) ||
      table?.contains(document.activeElement) === true ||
      table?.querySelector("details[open]") !== null
    );
  }

  return { take };
}

function rows(): HTMLElement[] {
  return [...document.querySelectorAll<HTMLElement>("#lead-rows > tr")];
}

function rowOf(id: string): HTMLElement | null {
  return document.getElementById(`lead-${id}`);
}

function scoreOf(row: HTMLElement): number {
  return Number(row.dataset.score);
}

function ranked(): boolean {
  return document.getElementById("results")?.dataset.ranked !== undefined;
}

function inOrder(): HTMLElement[] {
  return rows().sort((one, other) => scoreOf(other) - scoreOf(one));
}

/** How many rows have to move: all but the longest series that already falls. */
function outOfPlace(): number {
  const tails: number[] = [];
  for (const score of rows().map(scoreOf)) {
    const at = tails.findIndex((tail) => tail < score);
    tails[at === -1 ? tails.length : at] = score;
  }
  return rows().length - tails.length;
}

/** Moves the rows, each gliding from where it stood. */
function reorder(): void {
  const body = document.getElementById("lead-rows");
  if (!body) return;
  const tops = new Map(rows().map((row) => [row, row.getBoundingClientRect().top]));
  body.append(...inOrder());
  const pill = document.querySelector<HTMLElement>("[data-refresh-pill]");
  if (pill) pill.hidden = true;
  if (still.matches) return;
  for (const [row, top] of tops) {
    const by = top - row.getBoundingClientRect().top;
    if (by !== 0) row.animate([{ transform: `translateY(${by}px)` }, { transform: "none" }], MOVE);
  }
}

/** Takes over what changed, cell by cell, so that focus and an open "why" stay where they are. */
function patch(row: HTMLElement, next: HTMLElement): void {
  row.dataset.score = next.dataset.score;
  const cells = next.querySelectorAll<HTMLElement>(":scope > td");
  row.querySelectorAll<HTMLElement>(":scope > td").forEach((cell, index) => {
    const fresh = cells[index];
    if (cell.classList.contains("cell-score")) {
      for (const part of [".cell-meta", ".why-panel"]) {
        const content = fresh.querySelector(part);
        if (content) cell.querySelector(part)?.replaceChildren(...content.childNodes);
      }
      const label = fresh.querySelector("summary")?.getAttribute("aria-label");
      if (label) cell.querySelector("summary")?.setAttribute("aria-label", label);
      const ring = cell.querySelector<SVGElement>("[data-ring]");
      const letter = fresh.querySelector("[data-ring]")?.getAttribute("data-letter");
      if (ring && letter) setScore(ring, scoreOf(next), letter);
    } else if (cell.innerHTML !== fresh.innerHTML && !cell.contains(document.activeElement)) {
      cell.replaceChildren(...fresh.childNodes);
    }
  });
}

/** A lead that rose into view may come again with the next page: the one that was there first stays. */
function dropDoubles(): void {
  const seen = new Set<string>();
  for (const row of rows()) {
    if (seen.has(row.id)) row.remove();
    seen.add(row.id);
  }
}
