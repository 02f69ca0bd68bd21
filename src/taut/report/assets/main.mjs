/** The page: read the story, make the panels, and let λ move them. */

import { control } from "./control.mjs";
import { unpack } from "./data.mjs";
import { panelsOf } from "./panels.mjs";
import { Store } from "./store.mjs";

/** Build the live page beside what stands in it without scripts, and put it in its place. */
export function start(root) {
  const numbers = JSON.parse(root.querySelector("#story").textContent);
  if (!numbers.lambdas) return null; // a page of words and tables, which stand without scripts
  const story = unpack(numbers);
  const compact = root.body.dataset.kind === "compact";
  const store = new Store({
    position: story.index, index: story.index, output: 0, hover: null, pins: [], mix: story.moments?.mix ?? 1,
  });
  const bar = control(story, store);
  const panels = panelsOf(story, store, compact);
  const live = root.querySelector("#live");
  live.append(bar.element, ...panels.map(({ section }) => section));
  root.documentElement.classList.add("live");
  try {
    run(store, bar, panels);
  } catch (error) {
    root.documentElement.classList.remove("live"); // what stands in the page without scripts is still true
    throw error;
  }
  return { store, story };
}

function run(store, bar, panels) {
  const near = watch(panels);
  store.listen((state, changed) => {
    bar.update(state);
    for (const panel of panels) near(panel, () => panel.update(state, changed));
  });
  bar.update(store.state);
  panels.forEach((panel) => panel.draw());
  follow(panels);
}

const LATER = 120; // milliseconds of rest after which panels out of sight follow

/** A frame pays for the panels in sight; the others follow when λ rests, is printed, or they come into sight. */
function watch(panels) {
  const seen = new Set(panels);
  const stale = new Set();
  let timer = 0;
  const refresh = (panel) => stale.delete(panel) && panel.draw();
  const all = () => panels.forEach(refresh);
  const observer = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        const panel = panels.find(({ section }) => section === target);
        if (isIntersecting) {
          seen.add(panel);
          refresh(panel);
        } else seen.delete(panel);
      }
    },
    { rootMargin: "200px" },
  );
  panels.forEach(({ section }) => observer.observe(section));
  window.addEventListener("beforeprint", all);
  return (panel, update) => {
    if (seen.has(panel)) return update();
    stale.add(panel);
    clearTimeout(timer);
    timer = setTimeout(all, LATER);
    return undefined;
  };
}

/** Draw again where the room or the colours change. */
function follow(panels) {
  const widths = new Map();
  const observer = new ResizeObserver((entries) => {
    for (const { target, contentRect } of entries) {
      if (widths.get(target) === contentRect.width) continue;
      const first = !widths.has(target);
      widths.set(target, contentRect.width);
      if (!first) panels.find(({ plot }) => plot === target).draw();
    }
  });
  panels.forEach(({ plot }) => observer.observe(plot));
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => panels.forEach((panel) => panel.draw()));
}

if (typeof document !== "undefined") start(document);
