import htmx from "htmx.org";

// Styles of its own and evaluated strings would break the content security policy.
htmx.config.includeIndicatorStyles = false;
htmx.config.allowEval = false;
htmx.config.historyCacheSize = 0;

document.documentElement.classList.add("js");
