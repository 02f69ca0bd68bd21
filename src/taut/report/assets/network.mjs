/** Networks: every weight as a cell, exact zeros blank; what is alive; how the weights shrink. */

import { decode } from "./data.mjs";
import { html, set, short, svg, write } from "./drawing.mjs";
import { panel } from "./frame.mjs";
import { linesPanel } from "./lines.mjs";
import { grouped, percent, signed, significant } from "./numbers.mjs";

const LEVELS = 126;

/** Panels of a network: live neurons and inputs, a heatmap and a histogram for each matrix. */
export function networkPanels(story, store) {
  const { network } = story;
  return [
    livePanel(story, store),
    ...network.matrices.flatMap((matrix, k) => [heatPanel(matrix, k, store), histogramPanel(matrix, k, store)]),
  ];
}

function livePanel(story, store) {
  const { network } = story;
  const layers = network.hidden.map((size, k) => ({
    name: `neurons of layer ${k + 1}`,
    key: `c${k + 1}`,
    values: network.live.map((counts) => counts[k]),
    say: (i) => `${network.live[i][k]} of ${size}`,
  }));
  const inputs = { name: "inputs", key: "c0", values: network.inputs, say: (i) => `${network.inputs[i]} of ${story.total}` };
  return linesPanel(story, store, {
    id: "alive",
    title: "What is alive",
    words: "Inputs and neurons that any prediction depends on; the others can be removed, and nothing changes.",
    label: "count",
    curves: [inputs, ...layers],
    zero: true,
    wide: true,
  });
}

/** The signed bytes of a matrix at place i. */
export function cellsAt(matrix, cells, index) {
  const size = matrix.rows * matrix.columns;
  return cells.subarray(index * size, (index + 1) * size);
}

/** A byte as −1..1: it was stored by the root of its share of the largest weight. */
export function level(byte) {
  return byte / LEVELS;
}

function heatPanel(matrix, number, store) {
  const [inputs, outputs] = matrix.shape;
  const part = matrix.rows < inputs || matrix.columns < outputs ? ` The strongest ${matrix.rows} × ${matrix.columns} are drawn.` : "";
  const words = `${inputs} × ${outputs} weights, a row for each input; blank is exactly zero.${part}`;
  const parts = panel(`heat-${number}`, `${matrix.name}: weights`, words);
  const cells = decode(matrix.cells, Int8Array);
  const canvas = html("canvas", { width: matrix.columns, height: matrix.rows, role: "img" });
  parts.plot.classList.add("heat");
  parts.plot.append(canvas);
  const total = inputs * outputs;
  const told = html("span", {});
  parts.legend.append(
    html("span", { class: "entry" }, html("i", { class: "key minus" }), "negative"),
    html("span", { class: "entry" }, html("i", { class: "key zero" }), "exactly zero"),
    html("span", { class: "entry" }, html("i", { class: "key plus" }), "positive"),
    told,
  );

  function update({ index }) {
    const context = canvas.getContext("2d");
    const image = context.createImageData(matrix.columns, matrix.rows);
    const colours = palette(canvas);
    cellsAt(matrix, cells, index).forEach((byte, k) => {
      const [red, green, blue] = byte < 0 ? colours.minus : colours.plus;
      const alpha = byte === 0 ? 0 : 0.16 + 0.84 * Math.abs(level(byte));
      image.data.set([red, green, blue, Math.round(255 * alpha)], 4 * k);
    });
    context.putImageData(image, 0, 0);
    const zeros = total - matrix.nonzeros[index];
    const words = `${grouped(zeros)} of ${grouped(total)} exactly zero (${percent(zeros / total, 0)})`;
    write(told, words);
    set(canvas, { "aria-label": `${matrix.name}: ${words}` });
  }

  canvas.addEventListener("pointermove", ({ offsetX, offsetY }) => {
    const row = Math.min(matrix.rows - 1, Math.floor((matrix.rows * offsetY) / canvas.clientHeight));
    const column = Math.min(matrix.columns - 1, Math.floor((matrix.columns * offsetX) / canvas.clientWidth));
    const byte = cellsAt(matrix, cells, store.state.index)[row * matrix.columns + column];
    write(told, `${matrix.labels[row] ?? `unit ${row + 1}`} → ${column + 1}: ${weightOf(matrix, byte)}`);
  });
  canvas.addEventListener("pointerleave", () => update(store.state));

  return { section: parts.section, plot: parts.plot, draw: () => update(store.state), update };
}

/** What a cell says of its weight: a byte holds it to about two digits. */
export function weightOf({ largest }, byte) {
  return byte === 0 ? "exactly zero" : `about ${signed(Math.sign(byte) * largest * level(byte) ** 2, 2)}`;
}

/** The two colours of signed cells as numbers, from the style sheet, which knows light from dark. */
export function palette(element) {
  const style = getComputedStyle(element);
  const read = (name) => {
    const hex = style.getPropertyValue(name).trim();
    return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  };
  return { minus: read("--minus"), plus: read("--plus") };
}

function histogramPanel(matrix, number, store) {
  const words = "Weights that are not zero, by size, the same axis at every λ; heights by the root of the count.";
  const parts = panel(`histogram-${number}`, `${matrix.name}: histogram`, words);
  const picture = svg("svg", { role: "img", "aria-label": `${matrix.name}: histogram of weights` });
  parts.plot.append(picture);
  const told = html("span", {});
  parts.legend.append(told);
  const largest = Math.max(1, ...matrix.histogram.flat());

  function draw() {
    const [width, height] = [Math.max(220, parts.plot.clientWidth), parts.plot.clientHeight];
    set(picture, { viewBox: `0 0 ${width} ${height}`, width, height });
    update(store.state);
  }

  function update({ index }) {
    const [width, height] = [Number(picture.getAttribute("width")), Number(picture.getAttribute("height"))];
    if (!width) return;
    const counts = matrix.histogram[index];
    const step = (width - 40) / counts.length;
    const tall = (count) => ((height - 50) * Math.sqrt(count)) / Math.sqrt(largest);
    const bars = counts.map((count, k) =>
      svg("rect", { class: "column c0", x: 20 + k * step + 0.5, width: Math.max(1, step - 1), y: height - 40 - tall(count), height: tall(count) }),
    );
    picture.replaceChildren(...bars, ...ends(matrix, width, height));
    write(told, `${grouped(matrix.nonzeros[index])} weights that are not zero`);
  }

  return { section: parts.section, plot: parts.plot, draw, update };
}

function ends({ largest }, width, height) {
  const marks = [[20, -largest, "start"], [width / 2, 0, "middle"], [width - 20, largest, "end"]];
  return [
    svg("line", { class: "tick", x1: 20, x2: width - 20, y1: height - 40, y2: height - 40 }),
    ...marks.map(([x, value, anchor]) => svg("text", { x, y: height - 24, "text-anchor": anchor }, significant(value, 2))),
    svg("text", { class: "axis", x: width / 2, y: height - 6, "text-anchor": "middle" }, "weight, standardised scale"),
  ];
}
