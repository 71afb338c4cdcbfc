/** Small comforts on top of pages that work without them: dialogs, menus that close, copying, colours, file drops. */

import { toast } from "./say";

const YEAR = 31_536_000;

export function startInterface(): void {
  document.addEventListener("click", (event) => {
    const target = event.target as Element;
    closeOthers(target);
    const opener = target.closest<HTMLElement>("[data-open-dialog]");
    if (opener) document.querySelector<HTMLDialogElement>(`#${opener.dataset.openDialog}`)?.showModal();
    const copier = target.closest<HTMLElement>("[data-copy]");
    if (copier) void copy(copier.dataset.copy ?? "");
    if (target instanceof HTMLDialogElement) target.close(); // its backdrop
  });
  document.addEventListener("submit", (event) => {
    const form = event.target as HTMLFormElement;
    const button = (event as SubmitEvent).submitter as HTMLButtonElement | null;
    if (form.matches("[data-theme-switch]") && button) {
      event.preventDefault();
      setTheme(button.value);
    }
  });
  document.querySelectorAll<HTMLElement>("[data-drop]").forEach(startDrop);
}

function closeOthers(target: Element): void {
  for (const each of document.querySelectorAll<HTMLDetailsElement>(".why[open], .popmenu[open]")) {
    const panel = each.querySelector(".why-panel, .popmenu-panel");
    // Outside the details, or on the dimmed page behind a sheet, which belongs to the summary.
    if (!each.contains(target) || (each.classList.contains("popmenu") && target === panel?.parentElement)) each.open = false;
  }
}

async function copy(text: string): Promise<void> {
  try {
    await navigator.clipboard.writeText(text);
    toast("Copied.");
  } catch {
    toast("This browser does not let pages copy. Select the text instead.");
  }
}

/** The server reads the same cookie, so the next page is drawn right from its first pixel. */
function setTheme(theme: string): void {
  const root = document.documentElement;
  if (theme === "system") root.removeAttribute("data-theme");
  else root.dataset.theme = theme === "dark" ? "porchlight-dark" : "porchlight";
  const age = theme === "system" ? 0 : YEAR;
  document.cookie = `theme=${theme}; path=/; max-age=${age}; samesite=lax`;
  for (const button of document.querySelectorAll<HTMLButtonElement>("[data-theme-switch] button")) {
    button.setAttribute("aria-pressed", String(button.value === theme));
  }
}

function startDrop(zone: HTMLElement): void {
  const input = zone.querySelector<HTMLInputElement>('input[type="file"]');
  const name = zone.querySelector("[data-drop-name]");
  if (!input || !name) return;
  const show = (): void => {
    const file = input.files?.[0];
    if (file) name.textContent = file.name;
  };
  input.addEventListener("change", show);
  for (const kind of ["dragenter", "dragover"]) zone.addEventListener(kind, () => zone.setAttribute("data-over", ""));
  for (const kind of ["dragleave", "drop"]) zone.addEventListener(kind, () => zone.removeAttribute("data-over"));
}
