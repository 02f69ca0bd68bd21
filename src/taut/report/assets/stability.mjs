/** Stability: a strip for each feature, dark where many of the fits keep it at a λ; a list, however many features. */

import { html, set, write } from "./drawing.mjs";
import { panel } from "./frame.mjs";
import { percent } from "./numbers.mjs";
import { moved } from "./store.mjs";
import { nameParts } from "./table.mjs";

/** Features that any fit keeps anywhere, those kept soonest and by most fits first. */
export function byStability({ uses, coefs, length }) {
  const mean = (j) => Array.from({ length }, (_, i) => uses.share(j, i)).reduce((sum, share) => sum + share, 0) / length;
  const means = Array.from({ length: coefs.count }, (_, j) => mean(j));
  return means.map((_, j) => j).filter((j) => means[j] > 0).sort((a, b) => means[b] - means[a] || a - b);
}

/** The panel: a row for each feature, with its share at the λ that is shown. */
export function stabilityPanel(story, store) {
  const { uses } = story;
  const words = `Share of the ${uses.fits} that keep a feature, along λ from strong to weak: one that only some rows want is no finding.${uses.stable ? ` ${uses.stable}` : ""}`;
  const parts = panel("stability", "How stable is the choice", words, true);
  parts.legend.remove();
  parts.plot.className = "box strips";
  set(parts.plot, { tabindex: 0, role: "region", "aria-label": "Share of fits that keep each feature" });
  const rows = byStability(story).map((j) => stripRow(story, store, j));
  const head = ["Feature", "Along λ, strong → weak", "At this λ"].map((name, k) => html("th", { scope: "col", class: k === 2 ? "number" : "word" }, name));
  parts.plot.append(html("table", {}, html("thead", {}, html("tr", {}, ...head)), html("tbody", {}, ...rows.map(({ element }) => element))));

  function draw() {
    const colour = getComputedStyle(parts.plot).getPropertyValue("--c0").trim();
    rows.forEach((row) => row.paint(colour));
    update(store.state);
  }

  function update({ index }) {
    parts.plot.style.setProperty("--at", `${(100 * (index + 0.5)) / story.length}%`);
    rows.forEach((row) => row.fill(index));
  }

  return { section: parts.section, plot: parts.plot, draw, update };
}

function stripRow(story, store, j) {
  const canvas = html("canvas", { width: story.length, height: 1, "aria-hidden": "true" });
  const strip = html("span", { class: "strip" }, canvas);
  const share = html("span", {});
  const name = html("span", { class: "feature", title: story.features[j] }, ...nameParts(story, j));
  const element = html("tr", {}, html("td", { class: "word" }, name), html("td", {}, strip), html("td", { class: "number" }, share));
  const follow = ({ clientX, buttons }) => {
    if (!buttons) return;
    const { left, width } = strip.getBoundingClientRect();
    store.set(moved(Math.floor((story.length * (clientX - left)) / width), story.length));
  };
  strip.addEventListener("pointerdown", follow);
  strip.addEventListener("pointermove", follow);

  function paint(colour) {
    const context = canvas.getContext("2d");
    context.clearRect(0, 0, story.length, 1);
    context.fillStyle = colour;
    for (let i = 0; i < story.length; i += 1) {
      context.globalAlpha = story.uses.share(j, i);
      context.fillRect(i, 0, 1, 1);
    }
  }

  return { element, paint, fill: (index) => write(share, percent(story.uses.share(j, index), 0)) };
}
