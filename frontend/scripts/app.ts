import htmx from "htmx.org";
import { startInterface } from "./interface";
import { startKeyboard } from "./keyboard";
import { startPage } from "./page";
import { startTimes } from "./times";

// Styles of its own and evaluated strings would break the content security policy.
htmx.config.includeIndicatorStyles = false;
htmx.config.allowEval = false;
htmx.config.historyCacheSize = 0;

document.documentElement.classList.add("js");

document.addEventListener("htmx:configRequest", (event) => {
  const { headers } = (event as CustomEvent<{ headers: Record<string, string> }>).detail;
  headers["X-CSRF-Token"] = csrfToken();
});

startInterface();
startKeyboard();
startTimes();
startPage(csrfToken);

function csrfToken(): string {
  return document.querySelector<HTMLMetaElement>('meta[name="csrf-token"]')?.content ?? "";
}
