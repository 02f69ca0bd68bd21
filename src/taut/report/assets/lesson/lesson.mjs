/** The lesson: three networks of one start, trained side by side while λ, the mix and the learning rate move. */

import { html, set, write } from "../drawing.mjs";
import { counted, significant, signed } from "../numbers.mjs";
import { backward, dataset, forward, initial, isBias, prox, slopes, step } from "./model.mjs";
import { drawBars, drawGrowth, drawMap, drawNetwork, nameOf } from "./pictures.mjs";

const HIDDEN = 6;
const PER_FRAME = 4; // steps between two pictures
const EVERY = 10; // steps between two points of the growth curves
const POINTS = 240; // of a curve; then every second one goes
const LIMIT = 1e6; // weights beyond it have exploded
const SEED = 3;

/** λ at a slider's place: 0, then from 10⁻⁴ to 1 by its logarithm. */
export function strength(place) {
  return place === 0 ? 0 : 10 ** (-4 + (4 * (place - 1)) / 99);
}

/** The learning rate at a slider's place: from 0.01 to 10 by its logarithm. */
export function learningRate(place) {
  return 10 ** (-2 + (3 * place) / 100);
}

/** Three networks, and the largest weights that they had. */
export class Lesson {
  constructor(data) {
    this.data = data;
    this.restart();
  }

  restart() {
    const start = initial(HIDDEN, SEED);
    this.networks = { proximal: start, gradient: start, free: start };
    this.sizes = { proximal: [sizeOf(start)], gradient: [sizeOf(start)], free: [sizeOf(start)] };
    this.steps = 0;
    this.every = EVERY;
  }

  /** One step of all; a network whose weights are beyond all bounds stays where it is. */
  advance(how) {
    const { rows, labels } = this.data;
    const hows = { proximal: how, gradient: how, free: { ...how, lam: 0 } };
    this.steps += 1;
    for (const [name, params] of Object.entries(this.networks)) {
      if (sizeOf(params) < LIMIT) this.networks[name] = step(params, HIDDEN, rows, labels, hows[name], name === "proximal");
      if (this.steps % this.every === 0) this.sizes[name].push(sizeOf(this.networks[name]));
    }
    if (this.sizes.free.length > POINTS) {
      for (const name of Object.keys(this.sizes)) this.sizes[name] = this.sizes[name].filter((_, i) => i % 2 === 0);
      this.every *= 2;
    }
  }
}

/** Σ|w| over the weights. */
export function sizeOf(params) {
  return params.reduce((sum, w, k) => sum + (isBias(HIDDEN, k) ? 0 : Math.abs(w)), 0);
}

function weightsOf(params) {
  return params.filter((_, k) => !isBias(HIDDEN, k));
}

/** Join the lesson to the page's elements. */
export function begin(root) {
  const find = (name) => root.querySelector(`#${name}`);
  const state = { playing: false, chosen: 1 };
  let lesson = new Lesson(dataset("line"));
  const how = () => ({
    lam: strength(Number(find("lam").value)),
    mix: Number(find("mix").value) / 100,
    rate: learningRate(Number(find("rate").value)),
    biases: find("biases").checked,
  });
  const options = lesson.networks.proximal.map((_, k) => html("option", { value: k }, nameOf(HIDDEN, k)));
  find("weight").append(...options);
  find("weight").value = state.chosen;

  function draw() {
    const now = how();
    const { proximal, gradient, free } = lesson.networks;
    const { rows, labels } = lesson.data;
    tellSliders(find, now, lesson.steps);
    const terms = forward(proximal, HIDDEN, rows, labels, now);
    const others = { gradient: forward(gradient, HIDDEN, rows, labels, now), free: forward(free, HIDDEN, rows, labels, { ...now, lam: 0 }) };
    write(find("data-loss"), significant(terms.data, 4));
    write(find("penalty"), significant(terms.penalty, 4));
    write(find("total"), significant(terms.total, 4));
    drawNetwork(find("network"), proximal, HIDDEN, state.chosen, choose);
    drawMap(find("map"), proximal, HIDDEN, lesson.data);
    drawMap(find("map-free"), free, HIDDEN, lesson.data);
    tellWeight(find, proximal, backward(proximal, HIDDEN, rows, labels), state.chosen, now);
    const largest = Math.max(1, ...[...proximal, ...gradient].map(Math.abs));
    for (const [name, params] of [["proximal", proximal], ["gradient", gradient]]) {
      const weights = weightsOf(params);
      drawBars(find(`bars-${name}`), weights, largest);
      write(find(`zeros-${name}`), `${weights.filter((w) => w === 0).length} of ${weights.length} exactly zero`);
    }
    drawGrowth(find("growth"), Object.entries(lesson.sizes).map(([name, values]) => ({ name, values })));
    for (const [name, params] of Object.entries(lesson.networks)) write(find(`size-${name}`), sizeOf(params) < LIMIT ? significant(sizeOf(params), 3) : "exploded");
    write(find("loss-free"), significant(others.free.data, 3));
    write(find("loss-map"), significant(terms.data, 3));
  }

  function choose(k) {
    state.chosen = k;
    find("weight").value = k;
    draw();
  }

  function play(on) {
    state.playing = on;
    write(find("play"), on ? "Pause" : "Train");
    if (on) requestAnimationFrame(frame);
  }

  function frame() {
    if (!state.playing) return;
    advance(PER_FRAME);
    requestAnimationFrame(frame);
  }

  function advance(count) {
    for (let k = 0; k < count; k += 1) lesson.advance(how());
    draw();
  }

  function restart() {
    lesson = new Lesson(dataset(find("table").value));
    draw();
  }

  const acts = { play: () => play(!state.playing), step: () => advance(1), many: () => advance(1000), reset: restart };
  for (const [name, act] of Object.entries(acts)) find(name).addEventListener("click", act);
  for (const name of ["lam", "mix", "rate", "biases"]) find(name).addEventListener("input", draw);
  find("table").addEventListener("change", restart);
  find("weight").addEventListener("change", () => choose(Number(find("weight").value)));
  listenToKeys(root, acts);
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  draw();
}

/** t trains and pauses, s makes one step, r starts again; a field that is being written in keeps its letters. */
function listenToKeys(root, { play, step: once, reset }) {
  const keys = { t: play, s: once, r: reset };
  root.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.target.tagName === "SELECT") return;
    keys[event.key.toLowerCase()]?.();
  });
}

function tellSliders(find, { lam, mix, rate }, steps) {
  const texts = { lam: significant(lam, 2), mix: `${Math.round(100 * mix)} : ${Math.round(100 - 100 * mix)}`, rate: significant(rate, 2) };
  if (lam === 0) texts.lam = "0";
  for (const [name, text] of Object.entries(texts)) {
    write(find(`${name}-value`), text);
    set(find(name), { "aria-valuetext": text });
  }
  write(find("steps"), counted(steps, "step"));
}

/** The backward pass of one weight, number by number. */
function tellWeight(find, params, gradient, k, how) {
  const w = params[k];
  const pays = how.biases || !isBias(HIDDEN, k) ? how : { ...how, lam: 0 };
  const { l1, l2 } = slopes(w, pays);
  const along = w - how.rate * gradient[k];
  const texts = {
    w: w === 0 ? "exactly 0" : signed(w, 4),
    "slope-data": signed(gradient[k], 3),
    "slope-l1": signed(l1, 3),
    "slope-l2": signed(l2, 3),
    "next-gradient": signed(along - how.rate * (l1 + l2), 4),
    "next-proximal": prox(along, how.rate, pays) === 0 ? "exactly 0" : signed(prox(along, how.rate, pays), 4),
  };
  for (const [name, text] of Object.entries(texts)) write(find(name), text);
}

if (typeof document !== "undefined") begin(document);
