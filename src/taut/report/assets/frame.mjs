/** Frame: what every panel with a λ axis shares: heading, legend, axes, marks, and the cursor that can be dragged. */

import { LambdaAxis, linear, tickTexts, ticks } from "./axes.mjs";
import { html, leftRoom, set, svg, upTitle, write } from "./drawing.mjs";
import { significant } from "./numbers.mjs";
import { moved } from "./store.mjs";

const SLACK = 4; // pixels that a click may move

/** A panel: a section with a heading, a line of words, and a place for its picture. */
export function panel(id, title, words, wide = false) {
  const plot = html("div", { class: "plot" });
  const head = html("header", {}, html("h2", { id: `${id}-title` }, title), html("p", { class: "words" }, words));
  const legend = html("p", { class: "legend" });
  const section = html(
    "section",
    { class: `panel${wide ? " wide" : ""}`, id, "aria-labelledby": `${id}-title` },
    head,
    legend,
    plot,
  );
  return { section, head, legend, plot };
}

/** A button in a panel's head that turns its close-up on and off. */
export function closeUpButton(head, words, onTurn) {
  const button = html("button", { type: "button", class: "closeup", "aria-pressed": "false", hidden: true }, words);
  button.addEventListener("click", () => {
    set(button, { "aria-pressed": button.getAttribute("aria-pressed") === "true" ? "false" : "true" });
    onTurn();
  });
  head.append(button);
  return { offer: (there) => set(button, { hidden: !there }), on: () => !button.hidden && button.getAttribute("aria-pressed") === "true" };
}

/** An entry of a legend: a coloured key, a name, and a number that follows λ. */
export function entry(legend, name, key) {
  const value = html("b");
  legend.append(html("span", { class: "entry" }, html("i", { class: `key ${key}` }), `${name} `, value));
  return (text) => write(value, text);
}

/** The marks as [name, place], those of one place under one name; "chosen" only where no rule points. */
export function namedPlaces(marks) {
  const names = new Map();
  for (const [name, place] of Object.entries(marks)) names.set(place, [...(names.get(place) ?? []), name]);
  const told = (all) => (all.length > 1 ? all.filter((name) => name !== "chosen") : all).join(" = ");
  return [...names].map(([place, all]) => [told(all), place]);
}

/** An SVG with axes over a path of strengths. */
export class Frame {
  constructor(plot, story, store, { label, margin = {}, onClick = () => false, onPoint = () => {} }) {
    this.story = story;
    this.store = store;
    this.label = label;
    this.margin = { left: 58, right: 18, top: 40, bottom: 40, ...margin };
    this.svg = svg("svg", { role: "img", "aria-label": label });
    this.back = svg("g", { class: "axes" });
    this.content = svg("g");
    this.inside = svg("svg", { class: "inside" });
    this.inside.append(this.content);
    this.cursor = svg("line", { class: "cursor" });
    this.svg.append(this.back, this.inside, this.cursor);
    plot.append(this.svg);
    this.plot = plot;
    this.listen(onClick, onPoint);
  }

  /** Lay the axes out for the width there is; `domain` of y, `format` of its numbers, plain where none is given. */
  layout(domain, format) {
    this.width = Math.max(220, this.plot.clientWidth);
    this.height = this.plot.clientHeight;
    const values = ticks(...domain, this.height > 240 ? 6 : 4);
    const texts = format ? values.map(format) : tickTexts(values);
    this.margin.left = leftRoom(texts);
    const { left, right, top, bottom } = this.margin;
    set(this.svg, { viewBox: `0 0 ${this.width} ${this.height}`, width: this.width, height: this.height });
    this.x = new LambdaAxis(this.story.lambdas, [left + 2, this.width - right]);
    this.y = linear(domain, [this.height - bottom, top]);
    this.window();
    this.back.replaceChildren(...this.yAxis(values, texts), ...this.xAxis(), ...this.marks());
    this.move(this.store.state.position);
  }

  /** What is drawn ends at the top and the bottom of the axes, of which a close-up shows a part. */
  window() {
    const [above, height] = [this.margin.top - 5, Math.max(0, this.height - this.margin.top - this.margin.bottom + 10)];
    set(this.inside, { x: 0, y: above, width: this.width, height, viewBox: `0 ${above} ${this.width} ${height}` });
  }

  yAxis(values, texts) {
    const right = this.width - this.margin.right;
    const lines = values.flatMap((value, k) => {
      const y = this.y(value);
      return [
        svg("line", { class: value === 0 ? "zero" : "grid", x1: this.margin.left, x2: right, y1: y, y2: y }),
        svg("text", { x: this.margin.left - 7, y: y + 4, "text-anchor": "end" }, texts[k]),
      ];
    });
    return [...lines, upTitle(this.label, this.width)];
  }

  xAxis() {
    const bottom = this.height - this.margin.bottom;
    const found = this.x.ticks().flatMap(({ lam, x }) => [
      svg("line", { class: "tick", x1: x, x2: x, y1: bottom, y2: bottom + 4 }),
      svg("text", { x, y: bottom + 17, "text-anchor": "middle" }, significant(lam, 1)),
    ]);
    const middle = (this.margin.left + this.width - this.margin.right) / 2;
    const title = svg("text", { class: "axis", x: middle, y: this.height - 5, "text-anchor": "middle" }, "λ, strong → weak");
    return [...found, title];
  }

  /** Where the rules point: a dashed line and its name; the stronger of two close ones writes to its left. */
  marks() {
    const named = namedPlaces(this.story.marks);
    const weakest = Math.max(...named.map(([, place]) => place));
    return named.flatMap(([name, place]) => {
      const x = this.x.x(place);
      const before = (named.length > 1 && place !== weakest) || x > this.width - this.margin.right - 60;
      const anchor = before ? { x: x - 3, "text-anchor": "end" } : { x: x + 3, "text-anchor": "start" };
      return [
        svg("line", { class: "mark", x1: x, x2: x, y1: this.margin.top, y2: this.height - this.margin.bottom }),
        svg("text", { class: "markname", y: this.margin.top - 7, ...anchor }, name),
      ];
    });
  }

  /** Put the cursor at a position on the path. */
  move(position) {
    const x = this.x.x(position);
    set(this.cursor, { x1: x, x2: x, y1: this.margin.top, y2: this.height - this.margin.bottom });
  }

  /** The points of a row of numbers along λ. */
  points(values) {
    return Array.from(values, (value, i) => [this.x.x(i), value === null ? NaN : this.y(value)]);
  }

  listen(onClick, onPoint) {
    let start = null;
    const at = (event) => {
      const box = this.svg.getBoundingClientRect();
      return [event.clientX - box.left, event.clientY - box.top];
    };
    const follow = (x) => this.store.set(moved(this.x.index(x), this.story.length));
    this.svg.addEventListener("pointerdown", (event) => {
      start = { point: at(event), dragged: false };
      if (event.pointerType === "mouse") this.svg.setPointerCapture(event.pointerId);
    });
    this.svg.addEventListener("pointermove", (event) => {
      const point = at(event);
      if (start && (start.dragged || Math.abs(point[0] - start.point[0]) > SLACK)) {
        start.dragged = true;
        follow(point[0]);
      } else if (!start) onPoint(point);
    });
    this.svg.addEventListener("pointerup", (event) => {
      if (start && !start.dragged && !onClick(at(event))) follow(at(event)[0]);
      start = null;
    });
    this.svg.addEventListener("pointercancel", () => (start = null));
    this.svg.addEventListener("pointerleave", () => onPoint(null));
  }
}
