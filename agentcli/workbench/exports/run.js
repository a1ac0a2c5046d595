"use strict";
(() => {
  const root = document.documentElement;
  const all = (selector, within = document) => Array.from(within.querySelectorAll(selector));
  const cards = all("main > .card");
  const entries = new Map(all(".outline [data-of]").map((entry) => [entry.dataset.of, entry]));
  const bars = new Map(all(".timeline a").map((bar) => [bar.getAttribute("href").slice(1), bar]));
  const filter = document.getElementById("filter");
  const place = document.getElementById("place");
  const found = document.getElementById("found");
  let here = null;

  root.classList.add("scripted");

  const shown = () => cards.filter((card) => !card.hidden);

  function tellPlace() {
    const among = shown();
    const index = among.indexOf(here);
    place.textContent = among.length ? `${index < 0 ? "–" : index + 1} of ${among.length}` : "none";
  }

  function mark(card) {
    if (here) {
      here.classList.remove("here");
      entries.get(here.id)?.querySelector("a").removeAttribute("aria-current");
      bars.get(here.id)?.classList.remove("here");
    }
    here = card;
    if (card) {
      card.classList.add("here");
      const link = entries.get(card.id)?.querySelector("a");
      link?.setAttribute("aria-current", "step");
      link?.scrollIntoView({ block: "nearest" });
      bars.get(card.id)?.classList.add("here");
    }
    tellPlace();
  }

  function go(card) {
    if (!card) return;
    mark(card);
    card.focus({ preventScroll: true });
    card.scrollIntoView({ block: "start" });
    try {
      history.replaceState(null, "", `#${card.id}`);
    } catch {
      // A page from a file may not change its address in every browser; nothing depends on it.
    }
  }

  function step(by) {
    const among = shown();
    const index = among.indexOf(here);
    if (index < 0) {
      const next = among.findIndex((card) => card.getBoundingClientRect().bottom > 80);
      go(among[Math.max(next, 0)]);
    } else {
      go(among[Math.min(Math.max(index + by, 0), among.length - 1)]);
    }
  }

  function unfold() {
    const folds = all("main details");
    const open = folds.some((fold) => !fold.open);
    for (const fold of folds) fold.open = open;
    document.querySelector('[data-do="unfold"]').textContent = open ? "Fold" : "Unfold";
  }

  function turnTheme() {
    const dark = root.dataset.theme ? root.dataset.theme === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
    root.dataset.theme = dark ? "light" : "dark";
  }

  function fits(card, wanted) {
    if (wanted.turn && card.dataset.turn !== wanted.turn) return false;
    if (wanted.tool === "model" && card.dataset.kind !== "model") return false;
    if (wanted.tool.startsWith("tool:") && card.dataset.tool !== wanted.tool.slice(5)) return false;
    if (wanted.problems && card.dataset.state === "ok") return false;
    return wanted.words.every((word) => card.textContent.toLowerCase().includes(word));
  }

  function sift() {
    const wanted = {
      words: filter.words.value.toLowerCase().split(/\s+/).filter(Boolean),
      turn: filter.turn.value,
      tool: filter.tool.value,
      problems: filter.problems.checked,
    };
    for (const card of cards) {
      card.hidden = !fits(card, wanted);
      const entry = entries.get(card.id);
      if (entry) entry.hidden = card.hidden;
    }
    const left = shown().length;
    found.textContent = left === cards.length ? "" : `${left} of ${cards.length} steps`;
    if (here?.hidden) mark(null);
    tellPlace();
  }

  const deeds = { next: () => step(1), previous: () => step(-1), unfold, theme: turnTheme };
  const keys = { j: "next", ArrowRight: "next", k: "previous", ArrowLeft: "previous", e: "unfold", t: "theme" };

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-do]");
    if (button) deeds[button.dataset.do]();
    const link = event.target.closest('a[href^="#"]');
    const card = link && document.getElementById(link.getAttribute("href").slice(1));
    if (card && cards.includes(card)) {
      if (card.hidden) {
        filter.reset();
        sift();
      }
      mark(card);
    }
  });

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const typing = event.target.closest("input, select, textarea");
    if (event.key === "Escape") {
      filter.reset();
      sift();
      document.activeElement?.blur();
    } else if (!typing && event.key === "/") {
      event.preventDefault();
      filter.words.focus();
    } else if (!typing && Object.hasOwn(keys, event.key)) {
      event.preventDefault();
      deeds[keys[event.key]]();
    }
  });

  filter.addEventListener("input", sift);
  filter.addEventListener("submit", (event) => event.preventDefault());
  addEventListener("beforeprint", () => {
    for (const fold of all("main details:not([open])")) {
      fold.open = true;
      fold.dataset.folded = "";
    }
  });
  addEventListener("afterprint", () => {
    for (const fold of all("main details[data-folded]")) {
      fold.open = false;
      delete fold.dataset.folded;
    }
  });

  mark(cards.find((card) => `#${card.id}` === location.hash) ?? null);
})();
