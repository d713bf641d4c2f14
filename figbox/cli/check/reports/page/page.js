"use strict";
(() => {
  const root = document.documentElement;
  const main = document.getElementById("figures");
  const list = document.querySelector(".list ol");
  const unchanged = document.querySelector(".unchanged");
  const status = document.getElementById("status");
  const search = document.getElementById("search");
  const order = document.getElementById("order");
  const zoom = document.getElementById("zoom");
  const theme = document.getElementById("theme");
  const pause = document.getElementById("pause");
  const keys = document.getElementById("keys");
  const keysOn = document.getElementById("keys-on");
  const chips = [...document.querySelectorAll("[data-filter]")];
  const modes = [...document.querySelectorAll("button[data-mode]")];
  let cards = [...document.querySelectorAll(".card")];
  const entries = new Map([...document.querySelectorAll(".list li")].map((entry) => [entry.dataset.of, entry]));
  const given = new Map(cards.map((card, place) => [card, place]));
  const BLINK_MS = 700;
  let filter = "";
  let current = null;
  let timer = null;

  const visible = () => cards.filter((card) => !card.hidden);
  const press = (button, on) => button.setAttribute("aria-pressed", String(on));

  // Which figures are shown, and in which order.
  function select() {
    const wanted = search.value.trim().toLowerCase();
    for (const card of cards) {
      const fits = (!filter || card.dataset.verdict === filter) && card.dataset.name.toLowerCase().includes(wanted);
      card.hidden = !fits;
      const entry = entries.get(card.id);
      if (entry) entry.hidden = !fits;
    }
    chips.forEach((chip) => press(chip, chip.dataset.filter === filter));
    if (unchanged) unchanged.hidden = Boolean(filter || wanted);
    const count = visible().length;
    const all = count === cards.length;
    status.textContent = all ? "" : count ? `${count} of ${cards.length} figures shown` : "No figure fits.";
    if (current && current.hidden) mark(null);
    layOut();
  }

  function sort() {
    const by = {
      verdict: (one, other) => given.get(one) - given.get(other),
      name: (one, other) => (one.dataset.name < other.dataset.name ? -1 : 1),
      rms: (one, other) => other.dataset.rms - one.dataset.rms || given.get(one) - given.get(other),
    };
    cards.sort(by[order.value]);
    for (const card of cards) {
      main.insertBefore(card, unchanged);
      if (entries.has(card.id)) list.append(entries.get(card.id));
    }
  }

  // How pictures are compared. What is looked at stays where it is on the screen.
  function keepPlace(change) {
    const card = atHand();
    const before = card ? card.getBoundingClientRect().top : 0;
    change();
    if (card) window.scrollBy(0, card.getBoundingClientRect().top - before);
  }

  function setMode(mode) {
    keepPlace(() => {
      root.dataset.mode = mode;
      modes.forEach((button) => press(button, button.dataset.mode === mode));
      pause.hidden = mode !== "blink";
      layOut();
    });
    const still = window.matchMedia("(prefers-reduced-motion: reduce)").matches;
    blink(mode === "blink" && !still);
  }

  function show(side) {
    root.dataset.shown = side;
  }

  function swap() {
    show(root.dataset.shown === "before" ? "after" : "before");
  }

  function blink(on) {
    clearInterval(timer);
    timer = on ? setInterval(swap, BLINK_MS) : null;
    pause.textContent = on ? "Pause" : "Go on";
  }

  function layOut() {
    const factor = Number(zoom.value);
    const mode = root.dataset.mode;
    const layered = mode === "slider" || mode === "blink";
    root.classList.toggle("zoomed", factor > 0);
    root.classList.toggle("magnified", factor > 1);
    const first = visible()[0];
    if (!first) return;
    const style = getComputedStyle(first);
    const room = first.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
    for (const card of cards) {
      const over = layered && card.classList.contains("compared");
      const pictures = [...card.querySelectorAll("img")];
      const widest = Math.max(1, ...pictures.map((picture) => Number(picture.getAttribute("width"))));
      const tallest = Math.max(1, ...pictures.map((picture) => Number(picture.getAttribute("height"))));
      const fit = Math.min(1, room / widest, (0.8 * window.innerHeight) / tallest);
      for (const picture of pictures) {
        const scale = factor || (over ? fit : 0);
        picture.style.width = scale ? `${Math.max(1, picture.getAttribute("width") * scale)}px` : "";
      }
      for (const scroller of card.querySelectorAll(".viewer .scroller")) focusable(scroller, factor > 0 && !over);
      const viewer = card.querySelector(".viewer");
      if (viewer) focusable(viewer, factor > 0 && over);
      if (over) split(card);
    }
  }

  function focusable(element, on) {
    if (on) {
      element.tabIndex = 0;
      element.setAttribute("role", "group");
      element.setAttribute("aria-label", "Picture, to be scrolled");
    } else {
      element.removeAttribute("tabindex");
      element.removeAttribute("role");
      element.removeAttribute("aria-label");
    }
  }

  // The slider.
  function split(card) {
    const stack = card.querySelector(".stack");
    const range = card.querySelector(".split input");
    const share = Number(range.value) / 100;
    range.style.width = `${stack.clientWidth}px`;
    stack.style.setProperty("--split", `${share * stack.clientWidth}px`);
  }

  function splitAt(card, x) {
    const box = card.querySelector(".stack").getBoundingClientRect();
    card.querySelector(".split input").value = Math.round((100 * (x - box.left)) / box.width);
    split(card);
  }

  for (const card of cards.filter((each) => each.classList.contains("compared"))) {
    const stack = card.querySelector(".stack");
    let held = false;
    card.querySelector(".split input").addEventListener("input", () => split(card));
    stack.addEventListener("pointerdown", (event) => {
      if (root.dataset.mode !== "slider") return;
      held = true;
      stack.setPointerCapture(event.pointerId);
      splitAt(card, event.clientX);
    });
    stack.addEventListener("pointermove", (event) => held && splitAt(card, event.clientX));
    for (const end of ["pointerup", "pointercancel"]) stack.addEventListener(end, () => (held = false));
    stack.addEventListener("click", () => {
      if (root.dataset.mode !== "blink") return;
      blink(false);
      swap();
    });
  }

  // Enlarged pictures of a figure scroll together.
  document.addEventListener(
    "scroll",
    (event) => {
      const moved = event.target;
      if (!(moved instanceof Element) || !moved.matches(".viewer .scroller")) return;
      for (const other of moved.closest(".stack").querySelectorAll(".scroller")) {
        other.scrollLeft = moved.scrollLeft;
        other.scrollTop = moved.scrollTop;
      }
    },
    true,
  );

  // Sentences and their boxes.
  function light(event, on) {
    const item = event.target instanceof Element && event.target.closest("li[data-mark]");
    if (!item) return;
    item.classList.toggle("lit", on);
    for (const mark of item.closest(".card").querySelectorAll(".marks g")) {
      mark.classList.toggle("lit", on && mark.dataset.mark.split(" ").includes(item.dataset.mark));
    }
  }
  main.addEventListener("mouseover", (event) => light(event, true));
  main.addEventListener("mouseout", (event) => light(event, false));

  function setMarks(on) {
    press(document.getElementById("marks"), on);
    root.classList.toggle("no-marks", !on);
  }
  const hasMarks = () => !root.classList.contains("no-marks");

  // Going through the figures.
  function mark(card) {
    for (const one of [current, card]) {
      if (!one) continue;
      const link = entries.get(one.id)?.querySelector("a");
      for (const element of [one, link]) {
        if (!element) continue;
        if (one === card) element.setAttribute("aria-current", "true");
        else element.removeAttribute("aria-current");
      }
    }
    current = card;
  }

  function atHand() {
    if (current && !current.hidden) return current;
    const top = document.querySelector(".tools").getBoundingClientRect().bottom;
    return visible().find((card) => card.getBoundingClientRect().bottom > Math.max(0, top)) ?? null;
  }

  function go(step) {
    const shown = visible();
    const at = shown.indexOf(current);
    const next = at < 0 ? atHand() : shown[Math.min(shown.length - 1, Math.max(0, at + step))];
    if (!next) return;
    mark(next);
    next.scrollIntoView({ block: "start" });
    next.focus({ preventScroll: true });
    entries.get(next.id)?.scrollIntoView({ block: "nearest" });
  }

  function arrive() {
    let name = "";
    try {
      name = decodeURIComponent(location.hash.slice(1));
    } catch {
      return;
    }
    const card = cards.find((each) => each.id === name);
    if (!card) return;
    if (card.hidden) {
      filter = "";
      search.value = "";
      select();
    }
    mark(card);
    card.scrollIntoView({ block: "start" });
  }

  // Light and dark.
  function isDark() {
    if (theme.value) return theme.value === "dark";
    return window.matchMedia("(prefers-color-scheme: dark)").matches;
  }

  function setTheme(name) {
    theme.value = name;
    if (name) root.dataset.theme = name;
    else delete root.dataset.theme;
  }

  function turnedOn(value, values) {
    return values[(values.indexOf(value) + 1) % values.length];
  }

  const ACTIONS = {
    j: () => go(1),
    k: () => go(-1),
    1: () => setMode("side"),
    2: () => setMode("slider"),
    3: () => setMode("blink"),
    4: () => setMode("difference"),
    p: () => root.dataset.mode === "blink" && blink(timer === null),
    z: () => enlarge(turnedOn(zoom.value, [...zoom.options].map((option) => option.value))),
    b: () => setMarks(!hasMarks()),
    f: () => {
      filter = turnedOn(filter, chips.map((chip) => chip.dataset.filter));
      select();
    },
    d: () => setTheme(isDark() ? "light" : "dark"),
    "/": () => search.focus(),
    "?": () => keys.showModal(),
    ArrowLeft: () => aside(-1),
    ArrowRight: () => aside(1),
  };

  function aside(step) {
    const card = atHand();
    if (root.dataset.mode === "slider" && card?.classList.contains("compared")) {
      card.querySelector(".split input").value -= -2 * step;
      split(card);
      return true;
    }
    if (root.dataset.mode === "blink") {
      blink(false);
      show(step < 0 ? "before" : "after");
      return true;
    }
    return false;
  }

  function enlarge(value) {
    zoom.value = value;
    keepPlace(layOut);
  }

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || keys.open) return;
    if (event.key === "Escape" && event.target === search) {
      search.value = "";
      search.blur();
      select();
      return;
    }
    if (!keysOn.checked || event.target.closest("select, input:not([type=range])")) return;
    if (event.key.startsWith("Arrow") && event.target.closest("input, pre, .scroller, .viewer[tabindex]")) return;
    const action = Object.hasOwn(ACTIONS, event.key) ? ACTIONS[event.key] : null;
    if (action && action() !== false) event.preventDefault();
  });

  chips.forEach((chip) =>
    chip.addEventListener("click", () => {
      filter = chip.dataset.filter;
      select();
    }),
  );
  modes.forEach((button) => button.addEventListener("click", () => setMode(button.dataset.mode)));
  search.addEventListener("input", select);
  order.addEventListener("change", sort);
  zoom.addEventListener("change", () => enlarge(zoom.value));
  theme.addEventListener("change", () => setTheme(theme.value));
  pause.addEventListener("click", () => blink(timer === null));
  document.getElementById("marks").addEventListener("click", () => setMarks(!hasMarks()));
  document.getElementById("previous").addEventListener("click", () => go(-1));
  document.getElementById("next").addEventListener("click", () => go(1));
  document.getElementById("help").addEventListener("click", () => keys.showModal());
  document.getElementById("close").addEventListener("click", () => keys.close());
  main.addEventListener("focusin", (event) => mark(event.target.closest(".card") ?? current));
  main.addEventListener("pointerdown", (event) => mark(event.target.closest(".card") ?? current));
  window.addEventListener("hashchange", arrive);
  window.addEventListener("resize", layOut);

  // On paper everything is open, and side by side.
  let closed = [];
  let modeBefore = "side";
  window.addEventListener("beforeprint", () => {
    closed = [...document.querySelectorAll("details:not([open])")];
    closed.forEach((each) => (each.open = true));
    modeBefore = root.dataset.mode;
    setMode("side");
    enlarge("0");
  });
  window.addEventListener("afterprint", () => {
    closed.forEach((each) => (each.open = false));
    setMode(modeBefore);
  });

  root.classList.add("script");
  show("before");
  setMode("side");
  select();
  arrive();
})();
