/** Lines: a few named curves along λ, with bands and stacked areas. */

import { padded } from "./axes.mjs";
import { area, line, set, svg } from "./drawing.mjs";
import { Frame, closeUpButton, entry, panel } from "./frame.mjs";

export const CLOSE = 0.4; // a close-up is offered where it shows at most this share of the whole range
const NEARBY = 0.12; // of the way from the lowest point to the highest: what is near the lowest

/**
 * A panel of curves. Each of `curves` has `name`, `key` (its colour), `values` (a number or null per λ) and `say(index)`,
 * what its legend shows; `band` is [lower, upper] around it; `over` stacks it, filled, upon the curve of that name;
 * `judged` is the place of its best value, which a close-up shows.
 */
export function linesPanel(story, store, { id, title, words, label, format, curves, zero = false, wide = false }) {
  const parts = panel(id, title, words, wide);
  const frame = new Frame(parts.plot, story, store, { label });
  const zoom = closeUpButton(parts.head, "Zoom in on the best", () => draw());
  const drawn = curves.map((curve) => ({
    ...curve,
    tell: entry(parts.legend, curve.name, curve.key),
    filled: curve.band || curve.over !== undefined ? svg("path", { class: `fill ${curve.key}` }) : null,
    stroke: svg("path", { class: `curve ${curve.key}` }),
    dot: svg("circle", { class: `dot ${curve.key}`, r: 4 }),
  }));
  frame.content.append(...drawn.flatMap((curve) => (curve.filled ? [curve.filled] : [])));
  frame.content.append(...drawn.map((curve) => curve.stroke), ...drawn.map((curve) => curve.dot));
  const bottoms = new Map(curves.map((curve) => [curve.name, curve.values]));

  function draw() {
    const [all, near] = [domainOf(curves, zero), lowest(curves)];
    zoom.offer(near !== null && near[1] - near[0] < CLOSE * (all[1] - all[0]));
    frame.layout(zoom.on() ? near : all, format);
    for (const curve of drawn) {
      set(curve.stroke, { d: line(frame.points(curve.values)) });
      if (curve.filled) set(curve.filled, { d: shape(curve) });
    }
    update(store.state);
  }

  function shape(curve) {
    if (curve.band) return area(frame.points(curve.band[1]), frame.points(curve.band[0]));
    const floor = bottoms.get(curve.over) ?? curve.values.map(() => Math.max(0, frame.y.domain[0]));
    return area(frame.points(curve.values), frame.points(floor));
  }

  function update({ index, position }) {
    frame.move(position);
    for (const curve of drawn) {
      const value = curve.values[index];
      const known = value !== null && Number.isFinite(value);
      set(curve.dot, { cx: frame.x.x(index), cy: known ? frame.y(value) : 0, visibility: known ? null : "hidden" });
      curve.tell(curve.say(index));
    }
  }

  return { section: parts.section, plot: parts.plot, draw, update };
}

/** The place of the smallest number. */
export function leastPlace(values) {
  return values.reduce((best, value, i) => (value !== null && (values[best] === null || value < values[best]) ? i : best), 0);
}

/** The range of the curves where the judged one is near its best value; null where none is judged. */
export function lowest(curves) {
  const judged = curves.find((curve) => curve.judged !== undefined);
  const known = judged ? judged.values.filter((value) => value !== null && Number.isFinite(value)) : [];
  if (known.length < 3) return null;
  const [low, high] = [Math.min(...known), Math.max(...known)];
  const near = (value) => value !== null && Math.abs(value - judged.values[judged.judged]) <= NEARBY * (high - low);
  const there = curves.flatMap(({ values }) => [...values].filter((value, i) => near(judged.values[i]) && Number.isFinite(value)));
  return padded(Math.min(...there), Math.max(...there), 0.15);
}

/** The range of all curves and bands; from zero where the eye compares heights. */
export function domainOf(curves, zero) {
  const all = curves.flatMap(({ values, band }) => [values, ...(band ?? [])]).flatMap((values) => [...values]);
  const numbers = all.filter((value) => value !== null && Number.isFinite(value));
  const [low, high] = [Math.min(...numbers, zero ? 0 : Infinity), Math.max(...numbers)];
  if (!Number.isFinite(low)) return [0, 1];
  return zero && low === 0 ? [0, high * 1.06 || 1] : padded(low, high, 0.06);
}
