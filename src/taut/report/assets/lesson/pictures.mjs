/** Pictures of the lesson: the network, what it predicts, its weights as bars, and how large they grow. */

import { line, set, svg } from "../drawing.mjs";
import { significant } from "../numbers.mjs";
import { INPUTS, parts, predict } from "./model.mjs";

const GRID = 44; // cells of the map, each way

/** Name of a parameter, as the page and its choice write it. */
export function nameOf(hidden, k) {
  const at = parts(hidden);
  if (k < at.b) return `x${k < hidden ? 1 : 2} → h${(k % hidden) + 1}`;
  if (k < at.v) return `bias of h${k - at.b + 1}`;
  return k < at.c ? `h${k - at.v + 1} → η` : "bias of η";
}

/** Circles and edges: width and ink are a weight's size, an exact zero has no edge. */
export function drawNetwork(picture, params, hidden, chosen, onChoose) {
  const [width, height] = [520, 330];
  const at = parts(hidden);
  set(picture, { viewBox: `0 0 ${width} ${height}` });
  const column = (count, x) => Array.from({ length: count }, (_, j) => [x, height / 2 + (j - (count - 1) / 2) * Math.min(100, 300 / count)]);
  const [inputs, units, out] = [column(INPUTS, 46), column(hidden, width / 2), [width - 46, height / 2]];
  const alive = units.map((_, j) => params[at.v + j] !== 0 && (params[j] !== 0 || params[hidden + j] !== 0 || params[at.b + j] !== 0));
  const edge = ([x0, y0], [x1, y1], k) => {
    if (params[k] === 0) return [];
    const size = Math.min(1, Math.abs(params[k]) / 3);
    const made = svg("path", { class: `edge ${params[k] < 0 ? "minus" : "plus"}${k === chosen ? " chosen" : ""}`, d: `M${x0} ${y0}C${(x0 + x1) / 2} ${y0} ${(x0 + x1) / 2} ${y1} ${x1} ${y1}`, "stroke-width": 1.5 + 9 * size, "stroke-opacity": 0.3 + 0.7 * size });
    made.addEventListener("click", () => onChoose(k));
    return [made];
  };
  const edges = [
    ...inputs.flatMap((from, r) => units.flatMap((to, j) => edge(from, to, r * hidden + j))),
    ...units.flatMap((from, j) => edge(from, out, at.v + j)),
  ];
  const dot = ([cx, cy], words, there = true) => [svg("circle", { class: `unit${there ? "" : " gone"}`, cx, cy, r: 19 }), svg("text", { class: there ? "in" : "in gone", x: cx, y: cy + 6, "text-anchor": "middle" }, words)];
  picture.replaceChildren(
    ...edges,
    ...inputs.flatMap((place, r) => dot(place, `x${r + 1}`)),
    ...units.flatMap((place, j) => dot(place, `h${j + 1}`, alive[j])),
    ...dot(out, "η"),
  );
}

/** The probability of the class + over the plane, and the rows. */
export function drawMap(canvas, params, hidden, { rows, labels }) {
  const style = getComputedStyle(canvas);
  const read = (name) => [1, 3, 5].map((from) => parseInt(style.getPropertyValue(name).trim().slice(from, from + 2), 16));
  const [minus, plus, card, ink] = ["--minus", "--plus", "--card", "--ink"].map(read);
  const size = canvas.width;
  const context = canvas.getContext("2d");
  const cell = size / GRID;
  const places = Array.from({ length: GRID * GRID }, (_, k) => [(2 * ((k % GRID) + 0.5)) / GRID - 1, 1 - (2 * (Math.floor(k / GRID) + 0.5)) / GRID]);
  predict(params, hidden, places).forEach(({ eta }, k) => {
    const p = 1 / (1 + Math.exp(-eta));
    const share = Math.abs(2 * p - 1) * 0.75;
    const colour = (p < 0.5 ? minus : plus).map((value, c) => Math.round(share * value + (1 - share) * card[c]));
    context.fillStyle = `rgb(${colour.join(",")})`;
    context.fillRect(Math.floor((k % GRID) * cell), Math.floor(Math.floor(k / GRID) * cell), Math.ceil(cell), Math.ceil(cell));
  });
  rows.forEach(([x, y], i) => {
    context.beginPath();
    context.arc(((x + 1) / 2) * size, ((1 - y) / 2) * size, 7, 0, 7);
    context.fillStyle = `rgb(${(labels[i] ? plus : minus).join(",")})`;
    context.strokeStyle = `rgb(${(labels[i] ? ink : card).join(",")})`;
    context.lineWidth = 2;
    context.fill();
    context.stroke();
  });
}

/** A bar for each weight, up or down; a hollow ring where it is exactly zero. */
export function drawBars(picture, weights, largest) {
  const [width, height] = [520, 130];
  set(picture, { viewBox: `0 0 ${width} ${height}` });
  const step = width / weights.length;
  const tall = (w) => Math.min(1, Math.abs(w) / largest) * (height / 2 - 6);
  picture.replaceChildren(
    svg("line", { class: "tick", x1: 0, x2: width, y1: height / 2, y2: height / 2 }),
    ...weights.map((w, k) =>
      w === 0
        ? svg("circle", { class: "none", cx: (k + 0.5) * step, cy: height / 2, r: Math.min(6, 0.36 * step) })
        : svg("rect", { class: w < 0 ? "minus" : "plus", x: k * step + 1.5, width: step - 3, height: Math.max(1, tall(w)), y: w > 0 ? height / 2 - Math.max(1, tall(w)) : height / 2 }),
    ),
  );
}

/** Curves of numbers over steps, on a logarithmic axis. */
export function drawGrowth(picture, curves) {
  const [width, height, left, below] = [520, 240, 56, 28];
  set(picture, { viewBox: `0 0 ${width} ${height}` });
  const logs = curves.flatMap(({ values }) => values.map((value) => Math.log10(Math.max(value, 1e-2))));
  const [low, high] = [Math.min(0, Math.floor(Math.min(...logs))), Math.max(2, Math.ceil(Math.max(...logs)))];
  const longest = Math.max(...curves.map(({ values }) => values.length), 2);
  const x = (i) => left + ((width - left - 8) * i) / (longest - 1);
  const y = (value) => 10 + ((high - Math.log10(Math.max(value, 10 ** low))) / (high - low)) * (height - 10 - below);
  const marks = Array.from({ length: high - low + 1 }, (_, k) => 10 ** (low + k));
  picture.replaceChildren(
    ...marks.flatMap((value) => [
      svg("line", { class: "grid", x1: left, x2: width - 8, y1: y(value), y2: y(value) }),
      svg("text", { x: left - 8, y: y(value) + 5, "text-anchor": "end" }, significant(value, 1)),
    ]),
    ...curves.map(({ name, values }) => svg("path", { class: `curve ${name}`, d: line(values.map((value, i) => [x(i), y(value)])) })),
    svg("text", { x: width - 8, y: height - 6, "text-anchor": "end" }, "steps →"),
  );
}
