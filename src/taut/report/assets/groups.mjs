/** Groups: rows by what was predicted for them while they were held out, against what they turned out to be. */

import { linear, padded, tickTexts, ticks } from "./axes.mjs";
import { area, html, leftRoom, line, set, short, svg, upTitle, write } from "./drawing.mjs";
import { panel } from "./frame.mjs";
import { grouped, percent } from "./numbers.mjs";

const GROUPS_MARGIN = { right: 18, top: 26, bottom: 40 };

/** Numbers of group b at λ i: an array of C. */
export function groupAt({ values, shape: [count, width] }, index, group) {
  const start = (index * count + group) * width;
  return values.subarray(start, start + width);
}

/** Residuals or calibration of the held-out rows at the current λ. */
export function groupsPanel(story, store) {
  const classes = story.groups.kind === "calibration";
  const kind = classes ? calibration(story) : residuals(story);
  const parts = panel("groups", kind.title, kind.words);
  const picture = svg("svg", { role: "img", "aria-label": kind.title });
  const axes = svg("g", { class: "axes" });
  const content = svg("g");
  picture.append(axes, content);
  parts.plot.append(picture);
  parts.legend.append(...kind.keys());
  const [count] = story.groups.shape;
  const rows = (index) => Array.from({ length: count }, (_, b) => groupAt(story.groups, index, b));
  let scales = null;

  function draw() {
    const [width, height] = [Math.max(220, parts.plot.clientWidth), parts.plot.clientHeight];
    set(picture, { viewBox: `0 0 ${width} ${height}`, width, height });
    const [across, up] = kind.domains();
    const y = linear(up, [height - GROUPS_MARGIN.bottom, GROUPS_MARGIN.top]);
    const left = leftRoom(textsOf(kind, ticks(...up, 5)));
    const x = linear(across, [left + 4, width - GROUPS_MARGIN.right]);
    scales = { x, y, left, width, height };
    axes.replaceChildren(...axesOf(scales, kind), ...kind.guide(scales));
    update(store.state);
  }

  function update({ index, output }) {
    if (scales) content.replaceChildren(...kind.draw(rows(index), scales, output));
  }

  return { section: parts.section, plot: parts.plot, draw, update };
}

function textsOf({ format }, values) {
  return format ? values.map(format) : tickTexts(values);
}

function axesOf({ x, y, left, width, height }, kind) {
  const right = width - GROUPS_MARGIN.right;
  const [up, across] = [ticks(...y.domain, 5), ticks(...x.domain, 5)];
  const [upTexts, acrossTexts] = [textsOf(kind, up), textsOf(kind, across)];
  const rows = up.flatMap((value, k) => [
    svg("line", { class: "grid", x1: left, x2: right, y1: y(value), y2: y(value) }),
    svg("text", { x: left - 7, y: y(value) + 4, "text-anchor": "end" }, upTexts[k]),
  ]);
  const columns = across.map((value, k) =>
    svg("text", { x: x(value), y: height - GROUPS_MARGIN.bottom + 17, "text-anchor": "middle" }, acrossTexts[k]),
  );
  const below = { class: "axis", x: (left + right) / 2, y: height - 5, "text-anchor": "middle" };
  return [...rows, ...columns, upTitle(kind.labels[1], width), svg("text", below, short(kind.labels[0], 40))];
}

function extent(numbers) {
  return [Math.min(...numbers), Math.max(...numbers)];
}

/** y − prediction: its median, the middle half and the middle 80 % of each group. */
function residuals(story) {
  const columns = (from, to) => {
    const [count, width] = story.groups.shape;
    const all = [];
    for (let g = 0; g < count * story.length; g += 1) all.push(...story.groups.values.subarray(g * width + from, g * width + to));
    return all;
  };
  return {
    title: "Residuals",
    words: `Held-out rows in ${story.groups.shape[0]} groups by their prediction: what ${story.target} was beyond it.`,
    labels: [`predicted ${story.target}`, `${story.target} − predicted`],
    keys: () => [key("c0", "median"), key("band c0", "middle half"), key("band pale c0", "middle 80 %")],
    domains: () => [padded(...extent(columns(0, 1)), 0.03), padded(...extent([0, ...columns(1, 6)]), 0.04)],
    guide: ({ y, left, width }) => [svg("line", { class: "zero", x1: left, x2: width - GROUPS_MARGIN.right, y1: y(0), y2: y(0) })],
    draw: (rows, { x, y }) => {
      const along = (column) => rows.map((row) => [x(row[0]), y(row[column])]);
      return [
        svg("path", { class: "fill c0 pale", d: area(along(5), along(1)) }),
        svg("path", { class: "fill c0", d: area(along(4), along(2)) }),
        svg("path", { class: "curve c0", d: line(along(3)) }),
        ...along(3).map(([cx, cy]) => svg("circle", { class: "dot c0", r: 3.5, cx, cy })),
      ];
    },
  };
}

function key(name, words) {
  return html("span", { class: "entry" }, html("i", { class: `key ${name}` }), words);
}

/** Predicted probability against the share that has the class, with the share's own standard error. */
function calibration(story) {
  const { of, rows: counts, shape: [groups, width] } = story.groups;
  const single = width > 2; // besides the class predicted, each class by its own probability: the one that the bar names
  const chosen = html("span", {});
  const pooled = single ? "c1" : "c0";
  return {
    title: "Calibration",
    words: `Held-out rows (${grouped(counts.reduce((sum, rows) => sum + rows, 0))}) in ${groups} groups by the probability of ${single ? "a class" : of}, ± standard error: on the line, the promises are kept.`,
    labels: ["predicted probability", "share that came true"],
    format: (value) => percent(value, 0),
    keys: () => [...(single ? [html("span", { class: "entry" }, html("i", { class: "key c0" }), chosen)] : []), key(pooled, of)],
    domains: () => [[0, 1], [0, 1]],
    guide: ({ x, y }) => [svg("line", { class: "diagonal", x1: x(0), y1: y(0), x2: x(1), y2: y(1) })],
    draw: (rows, scales, output) => {
      const points = (curve) => rows.map((row, b) => [row[2 * curve], row[2 * curve + 1], counts[b]]);
      if (!single) return promises(points(0), scales, pooled);
      write(chosen, story.classes[output]);
      return [...promises(points(0), scales, pooled), ...promises(points(1 + output), scales, "c0")];
    },
  };
}

/** A dot for each group [predicted, share, rows], with its standard error. */
function promises(points, { x, y }, name) {
  const rate = (share, rows) => Math.sqrt(Math.max(share * (1 - share), 0.25 / rows) / rows);
  const whiskers = points.map(([predicted, share, rows]) => {
    const [low, high] = [Math.max(0, share - rate(share, rows)), Math.min(1, share + rate(share, rows))];
    return svg("line", { class: `whisker ${name}`, x1: x(predicted), x2: x(predicted), y1: y(low), y2: y(high) });
  });
  return [...whiskers, ...points.map(([predicted, share]) => svg("circle", { class: `dot ${name}`, r: 4.5, cx: x(predicted), cy: y(share) }))];
}
