/** Joins the feed to the page that is open. */

import { refreshParts, refreshPartsSoon } from "./parts";
import { rankedList } from "./ranking";
import { setScore } from "./score";
import { announce, toast } from "./say";
import { openFeed, type Frame, type State } from "./live";

const STATE_WORDS: Record<State, string> = { live: "Live", waiting: "Reconnecting", off: "Not live: sign in again" };
const COUNTED = new Set(["lead.captured", "lead.assigned", "lead.queued"]);
const COUNTS_EVERY = 4_000;
const RING_SETTLES = 800;

/** By `data-live-page`: what makes the answer to a frame. */
const PAGES: Record<string, () => (frame: Frame) => void> = { leads: leadsPage, lead: leadPage, import: importPage };

export function startPage(csrfToken: () => string): void {
  const { liveSeq, livePage } = document.body.dataset;
  if (liveSeq === undefined) return;
  const show = PAGES[livePage ?? ""]?.();
  openFeed({
    after: Number(liveSeq),
    csrfToken,
    onState: showState,
    onFrame(frame) {
      if (frame.kind === "reset") return void refreshParts();
      if (frame.kind === "lead.assigned") sayAssigned(frame);
      show?.(frame);
    },
  });
}

function showState(state: State): void {
  for (const element of document.querySelectorAll<HTMLElement>("[data-live-state]")) {
    element.dataset.liveState = state;
    const words = element.querySelector("[data-live-words]");
    if (words) words.textContent = STATE_WORDS[state];
  }
}

function sayAssigned(frame: Frame): void {
  if (frame.owner_id !== document.body.dataset.userId) return;
  toast("A lead is now yours.", { href: `/leads/${frame.lead_id}`, words: "Open" });
}

function leadsPage(): (frame: Frame) => void {
  const list = rankedList();
  return (frame) => {
    list.take(frame);
    if (COUNTED.has(frame.kind)) refreshPartsSoon(COUNTS_EVERY);
  };
}

function leadPage(): (frame: Frame) => void {
  const lead = document.body.dataset.liveLead;
  return (frame) => {
    if (frame.lead_id !== lead) return;
    if (frame.kind === "score.changed") {
      const ring = document.querySelector<SVGElement>("#part-ring [data-ring]");
      if (ring) setScore(ring, Number(frame.score), String(frame.grade));
      announce(`Score now ${Math.round(Number(frame.score))}`);
    }
    refreshPartsSoon(RING_SETTLES);
  };
}

function importPage(): (frame: Frame) => void {
  const id = document.body.dataset.liveImport;
  return (frame) => {
    if (frame.kind !== "import.progress" || frame.import_id !== id) return;
    for (const field of document.querySelectorAll<HTMLElement>("[data-count]")) {
      const value = frame[field.dataset.count ?? ""];
      if (typeof value === "number") field.textContent = value.toLocaleString("en-US");
    }
    const bar = document.querySelector<HTMLProgressElement>("progress[data-progress]");
    if (bar && typeof frame.total === "number") {
      bar.max = frame.total;
      bar.value = Number(frame.rows);
    }
    refreshPartsSoon(1_000);
  };
}
