/** The live feed: a WebSocket that resumes after the last frame seen, so that nothing is missed and nothing twice. */

export interface Frame {
  seq: number;
  kind: string;
  lead_id?: string;
  at?: string;
  [field: string]: unknown;
}

export type State = "live" | "waiting" | "off";

export interface Feed {
  /** Number of the last frame that the page includes. */
  after: number;
  csrfToken: () => string;
  onFrame: (frame: Frame) => void;
  onState: (state: State) => void;
}

const FIRST_DELAY = 500;
const LONGEST_DELAY = 30_000;

/** How long to wait before the next try: doubling, with full jitter so that a restart does not bring all back at once. */
export function delayBefore(attempt: number, random: () => number = Math.random): number {
  return random() * Math.min(LONGEST_DELAY, FIRST_DELAY * 2 ** attempt);
}

export function openFeed(feed: Feed): void {
  let last = feed.after;
  let attempt = 0;
  let socket: WebSocket | undefined;
  let timer: number | undefined;
  let connecting = false;

  async function connect(): Promise<void> {
    window.clearTimeout(timer);
    if (connecting || (socket && socket.readyState <= WebSocket.OPEN)) return;
    connecting = true;
    try {
      const answer = await fetch("/api/v1/live/token", {
        method: "POST",
        headers: { "X-CSRF-Token": feed.csrfToken(), Accept: "application/json" },
      });
      if (answer.status === 401 || answer.status === 403) {
        feed.onState("off");
        return;
      }
      if (!answer.ok) throw new Error(`no token: ${answer.status}`);
      const { token } = (await answer.json()) as { token: string };
      listen(token);
    } catch {
      retry();
    } finally {
      connecting = false;
    }
  }

  function listen(token: string): void {
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const opened = new WebSocket(
      `${scheme}://${location.host}/api/v1/live?token=${encodeURIComponent(token)}&after=${last}`,
    );
    socket = opened;
    opened.onopen = () => {
      attempt = 0;
      feed.onState("live");
    };
    opened.onmessage = (message) => {
      const frame = JSON.parse(String(message.data)) as Frame;
      if (typeof frame.seq !== "number" || (frame.kind !== "reset" && frame.seq <= last)) return;
      last = frame.seq;
      feed.onFrame(frame);
    };
    opened.onclose = () => {
      if (socket === opened) retry();
    };
  }

  function retry(): void {
    socket = undefined;
    feed.onState("waiting");
    window.clearTimeout(timer);
    timer = window.setTimeout(() => void connect(), delayBefore(attempt++));
  }

  function now(): void {
    attempt = 0;
    void connect();
  }

  window.addEventListener("online", now);
  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) now();
  });
  // A page kept for the back button must not hold its socket; it resumes after its own last frame.
  window.addEventListener("pagehide", () => {
    const open = socket;
    socket = undefined;
    open?.close();
    window.clearTimeout(timer);
  });
  window.addEventListener("pageshow", (event) => {
    if (event.persisted) now();
  });
  void connect();
}
