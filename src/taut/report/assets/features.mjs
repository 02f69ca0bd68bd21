/** Features: one thin line each along λ; the strongest in colour and named, any other named where it is pointed at. */

import { padded } from "./axes.mjs";
import { distinct, line, set, spread, svg, write } from "./drawing.mjs";
import { Frame, closeUpButton, panel } from "./frame.mjs";
import { CLOSE } from "./lines.mjs";
import { toggled } from "./store.mjs";

export const COLOURS = 6;
const LARGE = 2; // lines that a close-up of the others lets run out of the picture
const NEAR = 18; // pixels within which a line is pointed at
const LETTERS = 18; // of a name at the end of its line
const NAMES = 560; // pixels of width from which names stand beside the lines
const FULL = 160; // lines before they are drawn fainter

/** The colour of a feature by its rank: the strongest have their own, the others share one. */
export function colour(rank) {
  return rank < COLOURS ? `c${rank}` : "rest";
}

/**
 * A panel of one line per feature. `value(j, i)` is the number of feature j at place i, `say(j, i)` what is told of it;
 * `redrawn` are the parts of the state that the lines depend on.
 */
export function featuresPanel(story, store, { id, title, words, label, value, say, redrawn = ["output"] }) {
  const parts = panel(id, title, words, true);
  parts.plot.classList.add("tall");
  const note = parts.legend;
  note.classList.add("note");
  const rank = new Map(story.ranking.map((j, place) => [j, place]));
  const frame = new Frame(parts.plot, story, store, { label, onClick: pin, onPoint: point });
  const order = [...story.ranking].reverse();
  const labels = distinct(story.features, LETTERS);
  const zoom = closeUpButton(parts.head, "Zoom in on the small ones", () => draw());
  const strokes = new Map(order.map((j) => [j, svg("path", { class: `series ${colour(rank.get(j))}` })]));
  const names = svg("g", { class: "names" });
  const dots = svg("g");
  frame.content.append(...strokes.values(), dots, names);
  if (story.features.length > FULL) frame.content.classList.add("many");

  function draw() {
    const wide = parts.plot.clientWidth >= NAMES;
    frame.margin.right = wide ? 172 : 18;
    const [all, small] = [range(order), range(order.slice(0, -LARGE))];
    zoom.offer(order.length > LARGE && small[1] - small[0] < CLOSE * (all[1] - all[0]));
    frame.layout(zoom.on() ? small : all);
    for (const [j, stroke] of strokes) set(stroke, { d: line(frame.points(row(j))) });
    update(store.state, new Set(["pins", "hover"]));
  }

  const row = (j) => Array.from({ length: story.length }, (_, i) => value(j, i));

  /** The range of some features' lines, zero in it. */
  function range(some) {
    let [low, high] = [0, 0];
    for (const j of some) {
      for (let i = 0; i < story.length; i += 1) {
        const number = value(j, i);
        if (number < low) low = number;
        if (number > high) high = number;
      }
    }
    return padded(low, high);
  }

  /** The named features: the strongest, the pinned, the one pointed at. */
  function named({ pins, hover }) {
    const strongest = story.ranking.slice(0, COLOURS);
    return [...new Set([...strongest, ...pins, ...(hover === null ? [] : [hover])])];
  }

  function update(state, changed) {
    frame.move(state.position);
    if (changed && redrawn.some((key) => changed.has(key))) return draw();
    if (changed && (changed.has("pins") || changed.has("hover"))) emphasise(state);
    const shown = named(state);
    place(shown, state);
    const told = state.hover ?? state.pins.at(-1) ?? null;
    write(note, told === null ? hint() : `${story.features[told]}: ${say(told, state.index)}`);
    return undefined;
  }

  const hint = () => "Point at a line to name it, click to pin it, drag anywhere to move λ.";

  function emphasise({ pins, hover }) {
    for (const [j, stroke] of strokes) {
      const strong = pins.includes(j) || hover === j;
      stroke.classList.toggle("strong", strong);
      stroke.classList.toggle("faded", (pins.length > 0 || hover !== null) && !strong);
      if (strong) stroke.parentNode.insertBefore(stroke, dots);
    }
  }

  /** Dots at the cursor, and names at the right end, apart from each other. */
  function place(shown, state) {
    const x = frame.x.x(state.index);
    const keys = shown.map((j) => colour(rank.get(j)));
    const circle = (j, k) => svg("circle", { class: `dot ${keys[k]}`, r: 3.5, cx: x, cy: frame.y(value(j, state.index)) });
    dots.replaceChildren(...shown.map(circle));
    if (frame.margin.right < 100) return names.replaceChildren();
    const ends = shown.map((j) => frame.y(value(j, story.length - 1)));
    const ys = spread(ends, 15, frame.margin.top + 4, frame.height - frame.margin.bottom);
    const left = frame.width - frame.margin.right;
    return names.replaceChildren(
      ...shown.flatMap((j, k) => [
        svg("path", { class: `leader ${keys[k]}`, d: line([[left, ends[k]], [left + 10, ys[k]]]) }),
        svg("text", { class: `name ${keys[k]}`, x: left + 14, y: ys[k] + 4 }, labels[j]),
      ]),
    );
  }

  function nearest([x, y]) {
    const i = frame.x.index(x);
    let [best, distance] = [null, NEAR];
    for (const j of order) {
      const away = Math.abs(frame.y(value(j, i)) - y);
      if (away < distance && (value(j, i) !== 0 || away < 3)) [best, distance] = [j, away];
    }
    return best;
  }

  function point(at) {
    store.set({ hover: at === null ? null : nearest(at) });
  }

  function pin(at) {
    const found = nearest(at);
    if (found !== null) store.set({ pins: toggled(store.state.pins, found) });
    return found !== null;
  }

  return { section: parts.section, plot: parts.plot, legend: note, draw, update };
}
