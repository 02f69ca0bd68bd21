/**
 * The story's numbers, unpacked once.
 *
 * Fields: kind, lambdas, index (chosen), marks {"1se", min, chosen}, nonzeros, explained, loss {label, data, penalty},
 * features (names of the shown ones), total (how many there are), classes, coefs, units, used (features per class at each λ, drawn or not), and, each only where the fit has
 * it, scores, uses, test, groups, tradeoff, moments, network.
 */

import { shared } from "./drawing.mjs";

/** Base64 to a typed array of its little-endian numbers. */
export function decode(base64, Type) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i += 1) bytes[i] = text.charCodeAt(i);
  return new Type(bytes.buffer);
}

/** Features × outputs × strengths; what lies before a feature's first use is zero. */
export class Series {
  constructor({ outputs, length, first, values }) {
    this.count = first.length;
    this.outputs = outputs;
    this.length = length;
    this.values = new Float32Array(this.count * outputs * length);
    const packed = decode(values, Float32Array);
    let from = 0;
    for (let j = 0; j < this.count; j += 1) {
      for (let k = 0; k < outputs; k += 1) {
        const part = packed.subarray(from, (from += length - first[j]));
        this.values.set(part, this.place(j, k, first[j]));
      }
    }
  }

  /** A single output (norms of a network's inputs) stands for every class. */
  place(feature, output, index) {
    return (feature * this.outputs + Math.min(output, this.outputs - 1)) * this.length + index;
  }

  at(feature, output, index) {
    return this.values[this.place(feature, output, index)];
  }

  /** The largest magnitude over the outputs. */
  size(feature, index) {
    let largest = 0;
    for (let k = 0; k < this.outputs; k += 1) largest = Math.max(largest, Math.abs(this.at(feature, k, index)));
    return largest;
  }
}

/** Counts of fits that use a feature, as shares: (feature, index) → 0..1. */
export class Uses {
  constructor({ fits, of, counts }, length) {
    this.fits = fits;
    this.of = of;
    this.length = length;
    this.counts = decode(counts, Uint8Array);
  }

  share(feature, index) {
    return this.counts[feature * this.length + index] / this.of;
  }
}

/** The symmetric matrix behind its upper triangle: rows of a Float64Array of size² numbers. */
export function symmetric(triangle, size) {
  const packed = decode(triangle, Float64Array);
  const whole = new Float64Array(size * size);
  let from = 0;
  for (let i = 0; i < size; i += 1) {
    for (let j = i; j < size; j += 1) {
      whole[i * size + j] = whole[j * size + i] = packed[from];
      from += 1;
    }
  }
  return whole;
}

/** Features in the order of their size at `index`, and where all are zero there of their largest anywhere. */
export function ranked(series, index) {
  const largest = (j) => {
    let size = 0;
    for (let i = 0; i < series.length; i += 1) size = Math.max(size, series.size(j, i));
    return size;
  };
  const keys = Array.from({ length: series.count }, (_, j) => [series.size(j, index), largest(j)]);
  return keys.map((_, j) => j).sort((a, b) => keys[b][0] - keys[a][0] || keys[b][1] - keys[a][1] || a - b);
}

/** Groups of rows: numbers of residuals; of calibration, pairs of shares of one. */
function groupsOf(groups) {
  if (groups.kind === "residuals") return { ...groups, values: decode(groups.values, Float32Array) };
  return { ...groups, values: Float32Array.from(decode(groups.values, Uint16Array), (share) => share / 65535) };
}

/** The story with its arrays unpacked. */
export function unpack(story) {
  const length = story.lambdas.length;
  const coefs = new Series(story.coefs);
  return {
    ...story,
    length,
    coefs,
    shared: shared(story.features),
    uses: story.uses ? new Uses(story.uses, length) : null,
    groups: story.groups ? groupsOf(story.groups) : null,
    ranking: ranked(coefs, story.index),
  };
}
