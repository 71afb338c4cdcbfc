/** Single-key shortcuts. They can be switched off in their own dialog, for people who speak to their computer. */

const OFF = "porchlight.shortcuts.off";
const PLACES: Record<string, string> = { l: "/leads", i: "/import", t: "/trust", s: "/settings/team" };
const CHORD = 1_200;

export function startKeyboard(): void {
  let goUntil = 0;
  const toggle = document.querySelector<HTMLInputElement>("[data-shortcuts-toggle]");
  if (toggle) {
    toggle.checked = localStorage.getItem(OFF) === null;
    toggle.addEventListener("change", () =>
      toggle.checked ? localStorage.removeItem(OFF) : localStorage.setItem(OFF, "1"),
    );
  }

  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") return escape();
    if (event.ctrlKey || event.metaKey || event.altKey || localStorage.getItem(OFF) !== null) return;
    if ((event.target as Element).closest("input, textarea, select, [contenteditable], dialog[open]")) return;
    if (performance.now() < goUntil) {
      goUntil = 0;
      const link = document.querySelector<HTMLAnchorElement>(`nav a[href="${PLACES[event.key]}"]`);
      if (link) location.assign(link.href);
      return;
    }
    if (event.key === "g") goUntil = performance.now() + CHORD;
    else if (ACTIONS[event.key]?.()) event.preventDefault();
  });
}

/** Each says whether it did anything. */
const ACTIONS: Record<string, () => boolean> = {
  j: () => step(1),
  k: () => step(-1),
  w: () => toggleWhy(),
  n: () => openNote(),
  "/": () => search(),
  "?": () => openShortcuts(),
};

function step(by: 1 | -1): boolean {
  const links = [...document.querySelectorAll<HTMLElement>(".lead-link")];
  if (links.length === 0) return false;
  const row = document.activeElement?.closest(".lead-row");
  const now = links.findIndex((link) => link.closest(".lead-row") === row);
  const next = links[now === -1 ? (by === 1 ? 0 : links.length - 1) : Math.min(links.length - 1, Math.max(0, now + by))];
  closeWhys();
  next.focus({ preventScroll: true });
  next.closest(".lead-row")?.scrollIntoView({ block: "nearest" });
  return true;
}

function toggleWhy(): boolean {
  const why = document.activeElement?.closest(".lead-row")?.querySelector<HTMLDetailsElement>(".why");
  if (!why) return false;
  why.open = !why.open;
  return true;
}

function openNote(): boolean {
  const composer = document.querySelector<HTMLDetailsElement>('[data-composer="note"]');
  if (!composer) return false;
  composer.open = true;
  composer.querySelector("textarea")?.focus();
  return true;
}

function search(): boolean {
  const box = document.querySelector<HTMLInputElement>("[data-search]");
  if (!box) return false;
  box.focus();
  box.select();
  return true;
}

function openShortcuts(): boolean {
  const dialog = document.querySelector<HTMLDialogElement>("#shortcuts");
  dialog?.showModal();
  return dialog !== null;
}

function closeWhys(): void {
  document.querySelectorAll<HTMLDetailsElement>(".why[open]").forEach((why) => (why.open = false));
}

function escape(): void {
  const open = document.querySelectorAll<HTMLDetailsElement>(".why[open], .popmenu[open]");
  open.forEach((each) => {
    const within = each.contains(document.activeElement);
    each.open = false;
    if (within) each.querySelector("summary")?.focus();
  });
  if (open.length === 0 && document.activeElement instanceof HTMLInputElement) document.activeElement.blur();
}
