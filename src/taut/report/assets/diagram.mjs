/** Diagram: a network as neurons and edges, which fade as weights shrink and vanish where they are exactly zero. */

import { decode } from "./data.mjs";
import { distinct, html, set, svg, write } from "./drawing.mjs";
import { panel } from "./frame.mjs";
import { cellsAt, level, palette } from "./network.mjs";
import { grouped } from "./numbers.mjs";

const SHOWN = 64; // units of a layer
const INPUTS = 24; // of which names can be read
const FAINT = 0.07; // of the largest weight's ink: every weight that is not zero is seen
const [SIDE, NAMED, ABOVE, BELOW] = [26, 150, 30, 12];

/** The matrices from layer to layer as {rows, columns, at(index)}, the skip connection apart. */
export function layersOf({ matrices }) {
  const read = matrices.map((matrix) => ({ ...matrix, bytes: decode(matrix.cells, Int8Array) }));
  const skip = read.find(({ name }) => name.startsWith("Skip")) ?? null;
  return { layers: read.filter((matrix) => matrix !== skip), skip };
}

/** Which of the shown units any shown edge leads through, from the inputs to the outputs, at one λ. */
export function alive(layers, index, sizes) {
  const cells = layers.map((matrix) => cellsAt(matrix, matrix.bytes, index));
  const used = sizes.map((size) => new Array(size).fill(false));
  used[sizes.length - 1].fill(true);
  for (let k = layers.length - 1; k >= 0; k -= 1) {
    for (let r = 0; r < sizes[k]; r += 1) {
      for (let c = 0; c < sizes[k + 1]; c += 1) {
        if (used[k + 1][c] && cells[k][r * layers[k].columns + c] !== 0) used[k][r] = true;
      }
    }
  }
  return used;
}

/** The panel: edges on a canvas, of which there are thousands; neurons and names above them. */
export function diagramPanel(story, store) {
  const { network } = story;
  const { layers, skip } = layersOf(network);
  const sizes = [Math.min(layers[0].rows, INPUTS), ...layers.map((matrix) => Math.min(matrix.columns, SHOWN))];
  const whole = [layers[0].shape[0], ...layers.map((matrix) => matrix.shape[1])];
  const parts = panel("diagram", "The network", wordsOf(sizes, whole, skip), true);
  const canvas = html("canvas", { "aria-hidden": "true" });
  const picture = svg("svg", { role: "img", "aria-label": "Neurons and edges of the network" });
  parts.plot.classList.add("network");
  parts.plot.append(canvas, picture);
  parts.legend.append(inkOf("minus", "negative"), inkOf("plus", "positive"), html("span", {}, "wider and darker: larger; gone: exactly zero"));
  const told = html("span", {});
  parts.legend.append(told);
  const names = distinct(layers[0].labels, 20);
  let places = null;

  function draw() {
    const [width, height] = [Math.max(220, parts.plot.clientWidth), parts.plot.clientHeight];
    const density = window.devicePixelRatio || 1;
    set(canvas, { width: Math.round(width * density), height: Math.round(height * density) });
    set(picture, { viewBox: `0 0 ${width} ${height}`, width, height });
    places = placesOf(sizes, width, height);
    update(store.state);
  }

  function update({ index }) {
    if (!places) return;
    const used = aliveWith(layers, skip, index, sizes);
    const context = canvas.getContext("2d");
    const density = canvas.width / Number(picture.getAttribute("width"));
    context.setTransform(density, 0, 0, density, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    const colours = palette(canvas);
    if (skip) edges(context, skip, index, places[0], places.at(-1), used[0], used.at(-1), colours);
    layers.forEach((matrix, k) => edges(context, matrix, index, places[k], places[k + 1], used[k], used[k + 1], colours));
    picture.replaceChildren(...heads(places, network, whole, index, story), ...neurons(places, used), ...labels(places[0], names, used[0]));
    const linear = network.linear[index] ? " At this λ the linear model was taken." : "";
    write(told, `${sizes.map((_, k) => used[k].filter(Boolean).length).join(" → ")} units in use.${linear}`);
  }

  return { section: parts.section, plot: parts.plot, draw, update };
}

/** An input may also be used by the skip connection alone. */
function aliveWith(layers, skip, index, sizes) {
  const used = alive(layers, index, sizes);
  if (!skip) return used;
  const cells = cellsAt(skip, skip.bytes, index);
  used[0] = used[0].map((there, r) => there || cells.subarray(r * skip.columns, (r + 1) * skip.columns).some((byte) => byte !== 0));
  return used;
}

function wordsOf(sizes, whole, skip) {
  const cut = sizes.some((size, k) => size < whole[k]);
  const all = `From the inputs, left, to the output.${skip ? " Edges below the neurons go straight from an input to an output." : ""}`;
  return cut ? `${all} Drawn are the strongest ${sizes[0]} inputs and ${sizes.slice(1, -1).join(" and ")} neurons.` : all;
}

function inkOf(name, words) {
  return html("span", { class: "entry" }, html("i", { class: `key ${name}` }), words);
}

/** Points of each layer's units: columns from left to right, evenly down the height, the middle ones in the middle. */
function placesOf(sizes, width, height) {
  const left = width > 560 ? NAMED : SIDE;
  const room = height - ABOVE - BELOW;
  return sizes.map((size, k) => {
    const x = left + ((width - left - SIDE) * k) / (sizes.length - 1);
    const step = Math.min(30, room / size);
    return Array.from({ length: size }, (_, j) => [x, ABOVE + room / 2 + (j - (size - 1) / 2) * step, Math.min(8, 0.42 * step)]);
  });
}

function edges(context, matrix, index, from, to, usedFrom, usedTo, { minus, plus }) {
  const cells = cellsAt(matrix, matrix.bytes, index);
  for (let r = 0; r < from.length; r += 1) {
    for (let c = 0; c < to.length; c += 1) {
      const byte = cells[r * matrix.columns + c];
      if (byte === 0 || !usedFrom[r] || !usedTo[c]) continue;
      const size = level(byte) ** 2;
      context.strokeStyle = `rgba(${(byte < 0 ? minus : plus).join(",")},${FAINT + (1 - FAINT) * Math.sqrt(Math.abs(size))})`;
      context.lineWidth = 0.6 + 3.4 * Math.abs(size);
      const [[x0, y0], [x1, y1]] = [from[r], to[c]];
      context.beginPath();
      context.moveTo(x0, y0);
      context.bezierCurveTo(x0 + 0.45 * (x1 - x0), y0, x1 - 0.45 * (x1 - x0), y1, x1, y1);
      context.stroke();
    }
  }
}

function neurons(places, used) {
  return places.flatMap((column, k) =>
    column.map(([cx, cy, r], j) => svg("circle", { class: `neuron${used[k][j] ? "" : " gone"}`, cx, cy, r })),
  );
}

function heads(places, network, whole, index, story) {
  const counts = [network.inputs[index], ...network.live[index], whole.at(-1)];
  return places.map(([[x]], k) => {
    const name = k === 0 ? "inputs" : k === places.length - 1 ? "output" : `layer ${k}`;
    const of = k === 0 ? story.total : whole[k];
    const anchor = k === 0 ? "start" : k === places.length - 1 ? "end" : "middle";
    const at = k === 0 ? 2 : k === places.length - 1 ? x + SIDE - 2 : x;
    const count = k === places.length - 1 ? "" : `${grouped(counts[k])} of ${grouped(of)}`;
    return svg("text", { class: "head", x: at, y: 14, "text-anchor": anchor }, places[0][0][0] < NAMED ? count : `${name} ${count}`);
  });
}

function labels(column, names, used) {
  if (!column.length || column[0][0] < NAMED || column[0][2] < 4) return [];
  return column.map(([x, y], j) => svg("text", { class: `unit${used[j] ? "" : " gone"}`, x: x - 14, y: y + 4, "text-anchor": "end" }, names[j]));
}
