/** The picture of two coefficients: where the loss is low, what the penalty allows, and where the two touch. */

import { linear, tickTexts, ticks } from "./axes.mjs";
import { distinct, line, set, svg, upTitle } from "./drawing.mjs";

const PAIR_MARGIN = { left: 54, right: 14, top: 26, bottom: 44 };
const CORNERS = 120;
const RINGS = [0.25, 1, 2.25, 4, 9, 25, 64];

/** ½ the curvature of the loss in two coefficients, and where it is lowest with the others held: {A, center}. */
export function bowl(net, w, a, b) {
  const g = (i, j) => net.G[i * net.p + j];
  const A = [[g(a, a), g(a, b)], [g(a, b), g(b, b)]];
  const q = net.times(w);
  const slope = [net.c[a] - q[a], net.c[b] - q[b]];
  const det = A[0][0] * A[1][1] - A[0][1] ** 2;
  if (!(det > 1e-10)) return { A, center: null };
  const step = [(A[1][1] * slope[0] - A[0][1] * slope[1]) / det, (A[0][0] * slope[1] - A[0][1] * slope[0]) / det];
  return { A, center: [w[a] + step[0], w[b] + step[1]] };
}

/** Points of the ellipse vᵀAv = level around the center. */
export function ellipse({ A, center }, level) {
  const l11 = Math.sqrt(A[0][0]);
  const l21 = A[0][1] / l11;
  const l22 = Math.sqrt(Math.max(A[1][1] - l21 * l21, 1e-12));
  return Array.from({ length: CORNERS + 1 }, (_, i) => {
    const angle = (2 * Math.PI * i) / CORNERS;
    const [u, v] = [Math.sqrt(level) * Math.cos(angle), Math.sqrt(level) * Math.sin(angle)];
    const second = v / l22;
    return [center[0] + (u - l21 * second) / l11, center[1] + second];
  });
}

/** Points where ρ(|x| + |y|) + (1 − ρ)/2 (x² + y²) = level: the diamond, the disc, and what lies between. */
export function region(mix, level) {
  return Array.from({ length: CORNERS + 1 }, (_, i) => {
    const angle = (2 * Math.PI * i) / CORNERS;
    const [x, y] = [Math.cos(angle), Math.sin(angle)];
    const [first, second] = [mix * (Math.abs(x) + Math.abs(y)), (1 - mix) / 2];
    const radius = second > 1e-12 ? (Math.sqrt(first * first + 4 * second * level) - first) / (2 * second) : level / first;
    return [radius * x, radius * y];
  });
}

/** The penalty of two coefficients at λ = 1. */
export function share(mix, x, y) {
  return mix * (Math.abs(x) + Math.abs(y)) + ((1 - mix) / 2) * (x * x + y * y);
}

/** A square picture that `draw` fills for two features a and b of solutions `path` at the current point `w`. */
export function pairPicture(story, plot) {
  const picture = svg("svg", { role: "img", "aria-label": "Loss and penalty of two coefficients" });
  plot.append(picture);

  function draw(net, { w, path, mix, a, b }) {
    const [width, height] = [Math.max(220, plot.clientWidth), plot.clientHeight];
    set(picture, { viewBox: `0 0 ${width} ${height}`, width, height });
    const found = bowl(net, w, a, b);
    const trail = path.map((one) => [one[a], one[b]]);
    const scales = square([...trail, ...widest(trail, mix), ...(found.center ? [found.center] : [])], width, height);
    const map = (points) => points.map(([x, y]) => [scales.x(x), scales.y(y)]);
    const size = found.center ? energy(found, [w[a], w[b]]) : 0;
    const base = size > 1e-9 ? size : 0.02;
    const rings = found.center ? RINGS.map((level) => svg("path", { class: level === 1 ? "ring touch" : "ring", d: line(map(ellipse(found, level * base))) })) : [];
    const level = share(mix, w[a], w[b]);
    const allowed = level > 1e-12 ? [svg("path", { class: "allowed", d: `${line(map(region(mix, level)))}Z` })] : [];
    const way = svg("path", { class: "trail", d: line(map(trail)) });
    const dots = [found.center ? dot(map([found.center])[0], "free", 4) : null, dot(map([[w[a], w[b]]])[0], "here", 6)];
    const inner = svg("svg", { x: PAIR_MARGIN.left, y: PAIR_MARGIN.top, width: width - PAIR_MARGIN.left - PAIR_MARGIN.right, height: height - PAIR_MARGIN.top - PAIR_MARGIN.bottom, viewBox: `${PAIR_MARGIN.left} ${PAIR_MARGIN.top} ${width - PAIR_MARGIN.left - PAIR_MARGIN.right} ${height - PAIR_MARGIN.top - PAIR_MARGIN.bottom}` });
    inner.append(...allowed, ...rings, way, ...dots.filter(Boolean));
    picture.replaceChildren(...axesOfPair(scales, width, height, [story.features[a], story.features[b]]), inner);
  }

  return { draw };
}

function dot([cx, cy], name, r) {
  return svg("circle", { class: `dot ${name}`, cx, cy, r });
}

function energy({ A, center }, [x, y]) {
  const [u, v] = [x - center[0], y - center[1]];
  return A[0][0] * u * u + 2 * A[0][1] * u * v + A[1][1] * v * v;
}

/** The corners of the largest shape that the penalty allows on the path. */
function widest(trail, mix) {
  const level = Math.max(...trail.map(([x, y]) => share(mix, x, y)));
  return level > 1e-12 ? region(mix, level) : [];
}

/** One unit is as long across as up, and all points are in sight. */
function square(points, width, height) {
  const reach = (k) => [Math.min(...points.map((one) => one[k])), Math.max(...points.map((one) => one[k]))];
  const [xs, ys] = [reach(0), reach(1)];
  const [wide, high] = [width - PAIR_MARGIN.left - PAIR_MARGIN.right, height - PAIR_MARGIN.top - PAIR_MARGIN.bottom];
  const unit = Math.max((xs[1] - xs[0]) / wide, (ys[1] - ys[0]) / high, 1e-6) * 1.12;
  const around = ([low, high_], pixels) => [(low + high_ - unit * pixels) / 2, (low + high_ + unit * pixels) / 2];
  return {
    x: linear(around(xs, wide), [PAIR_MARGIN.left, width - PAIR_MARGIN.right]),
    y: linear(around(ys, high), [height - PAIR_MARGIN.bottom, PAIR_MARGIN.top]),
  };
}

function axesOfPair({ x, y }, width, height, names) {
  const [left, right, top, bottom] = [PAIR_MARGIN.left, width - PAIR_MARGIN.right, PAIR_MARGIN.top, height - PAIR_MARGIN.bottom];
  const [across, up] = [ticks(...x.domain, 5), ticks(...y.domain, 5)];
  const [acrossTexts, upTexts] = [tickTexts(across), tickTexts(up)];
  const columns = across.flatMap((value, k) => [
    svg("line", { class: value === 0 ? "zero" : "grid", x1: x(value), x2: x(value), y1: top, y2: bottom }),
    svg("text", { x: x(value), y: bottom + 16, "text-anchor": "middle" }, acrossTexts[k]),
  ]);
  const rows = up.flatMap((value, k) => [
    svg("line", { class: value === 0 ? "zero" : "grid", x1: left, x2: right, y1: y(value), y2: y(value) }),
    svg("text", { x: left - 7, y: y(value) + 4, "text-anchor": "end" }, upTexts[k]),
  ]);
  const [across_, up_] = distinct(names, 34).map((name) => `${name}, per sd`);
  return [
    svg("g", { class: "axes" }, ...columns, ...rows,
      upTitle(up_, width),
      svg("text", { class: "axis", x: (left + right) / 2, y: height - 5, "text-anchor": "middle" }, across_)),
  ];
}
