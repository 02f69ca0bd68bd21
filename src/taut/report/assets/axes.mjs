/** Axes: from data to pixels and back, and the numbers that stand beside them. */

import { grouped, significant } from "./numbers.mjs";

/** A linear map of `domain` onto `range`, with its inverse. */
export function linear([low, high], [start, end]) {
  const span = high - low || 1;
  const scale = (value) => start + ((value - low) / span) * (end - start);
  scale.invert = (pixel) => low + ((pixel - start) / (end - start || 1)) * span;
  scale.domain = [low, high];
  return scale;
}

/** Round numbers between `low` and `high`, about `count` of them: steps of 1, 2 or 5 times a power of ten. */
export function ticks(low, high, count = 5) {
  if (!(high > low)) return [low];
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((unit) => unit * power).find((unit) => unit >= rough * 0.999);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** Tick values as texts with the same number of decimals, as many as their step needs. */
export function tickTexts(values) {
  const step = values.length > 1 ? Math.abs(values[1] - values[0]) : Math.abs(values[0] ?? 1);
  const largest = Math.max(...values.map(Math.abs));
  if (largest >= 1e6 || (largest > 0 && largest < 1e-4)) return values.map((value) => significant(value, 2));
  const decimals = Math.max(0, Math.ceil(-Math.log10(step || 1) - 1e-9));
  return values.map((value) => grouped(value, decimals));
}

/** `domain` with a margin at both ends; an empty one becomes one unit wide. */
export function padded(low, high, share = 0.04) {
  const span = high - low || Math.abs(high) || 1;
  return [low - span * share, high + span * share];
}

/** −log10 λ, strongest first; λ = 0 stands one step behind the last. */
export function places(lambdas) {
  const logs = lambdas.filter((lam) => lam > 0).map((lam) => -Math.log10(lam));
  const step = logs.length > 1 ? (logs.at(-1) - logs[0]) / (logs.length - 1) : 0;
  const behind = (logs.at(-1) ?? 0) + Math.max(step, 0.1);
  return lambdas.map((lam) => (lam > 0 ? -Math.log10(lam) : behind));
}

/** The axis that all panels share: λ from strong to weak, by its logarithm. */
export class LambdaAxis {
  constructor(lambdas, range) {
    this.lambdas = lambdas;
    this.places = places(lambdas);
    this.scale = linear([this.places[0], this.places.at(-1)], range);
    if (lambdas.length === 1) this.scale = linear([this.places[0] - 1, this.places[0] + 1], range);
  }

  /** The pixel of a position on the path; between two strengths, between their pixels. */
  x(position) {
    const below = Math.floor(position);
    const above = Math.min(below + 1, this.places.length - 1);
    return this.scale(this.places[below] + (position - below) * (this.places[above] - this.places[below]));
  }

  /** λ at a position: between two strengths by the logarithm, towards λ = 0 in proportion. */
  lam(position) {
    const below = Math.floor(position);
    const share = position - below;
    if (!share) return this.lambdas[below];
    const [strong, weak] = [this.lambdas[below], this.lambdas[below + 1]];
    return weak > 0 ? strong ** (1 - share) * weak ** share : strong * (1 - share);
  }

  /** The nearest strength to a pixel. */
  index(pixel) {
    const wanted = this.scale.invert(pixel);
    let best = 0;
    this.places.forEach((place, i) => {
      if (Math.abs(place - wanted) < Math.abs(this.places[best] - wanted)) best = i;
    });
    return best;
  }

  /** λ values to write below the axis, with their pixels: decades, and parts of them where there are few. */
  ticks() {
    const positive = this.lambdas.filter((lam) => lam > 0);
    const found = positive.length ? decades(positive.at(-1), positive[0]) : [];
    const marks = found.map((lam) => ({ lam, x: this.scale(-Math.log10(lam)) }));
    if (this.lambdas.at(-1) === 0) marks.push({ lam: 0, x: this.scale(this.places.at(-1)) });
    return marks.length ? marks : [{ lam: this.lambdas[0], x: this.x(0) }];
  }
}

/** Powers of ten between two strengths; where there are fewer than three, their double and fivefold too. */
export function decades(low, high) {
  const powers = [];
  for (let k = Math.floor(Math.log10(low)); k <= Math.ceil(Math.log10(high)); k += 1) powers.push(k);
  const within = (units) =>
    powers
      .flatMap((k) => units.map((unit) => Number(`${unit}e${k}`)))
      .filter((lam) => lam >= low * 0.999 && lam <= high * 1.001);
  const plain = within([1]);
  if (plain.length >= 3) return plain;
  const finer = within([1, 2, 5]);
  return finer.length ? finer : [high];
}
