/**
 * The lesson's network: two inputs, one hidden layer of tanh units, one output η, and the logistic loss.
 *
 *     z = X W + b     a = tanh z     η = a v + c     L = mean of log(1 + e^η) − y η
 *     F = L + λ (ρ Σ|w| + (1 − ρ) Σ w²)     over all weights, and over biases where they are asked to pay too
 *
 * Parameters are one array: W (2 × h, by rows), b (h), v (h), c.
 */

export const INPUTS = 2;

/** Where each part of the parameters begins. */
export function parts(hidden) {
  return { W: 0, b: INPUTS * hidden, v: (INPUTS + 1) * hidden, c: (INPUTS + 2) * hidden, size: (INPUTS + 2) * hidden + 1 };
}

/** Whether a parameter is a bias. */
export function isBias(hidden, k) {
  const at = parts(hidden);
  return (k >= at.b && k < at.v) || k === at.c;
}

/** Forward: η and the activations of every row. */
export function predict(params, hidden, rows) {
  const at = parts(hidden);
  return rows.map(([x1, x2]) => {
    const a = Array.from({ length: hidden }, (_, j) => Math.tanh(x1 * params[j] + x2 * params[hidden + j] + params[at.b + j]));
    return { a, eta: a.reduce((sum, value, j) => sum + value * params[at.v + j], params[at.c]) };
  });
}

/** log(1 + e^η) without overflow. */
export function softplus(eta) {
  return Math.max(eta, 0) + Math.log1p(Math.exp(-Math.abs(eta)));
}

/** λ (ρ Σ|w| + (1 − ρ) Σ w²). */
export function penaltyOf(params, hidden, { lam, mix, biases }) {
  return params.reduce((sum, w, k) => (isBias(hidden, k) && !biases ? sum : sum + lam * (mix * Math.abs(w) + (1 - mix) * w * w)), 0);
}

/** Data loss, penalty and total loss. */
export function forward(params, hidden, rows, labels, how) {
  const told = predict(params, hidden, rows);
  const data = told.reduce((sum, { eta }, i) => sum + softplus(eta) - labels[i] * eta, 0) / rows.length;
  const penalty = penaltyOf(params, hidden, how);
  return { data, penalty, total: data + penalty };
}

/** Backward: the gradient of the data loss. */
export function backward(params, hidden, rows, labels) {
  const at = parts(hidden);
  const gradient = new Array(at.size).fill(0);
  predict(params, hidden, rows).forEach(({ a, eta }, i) => {
    const error = (1 / (1 + Math.exp(-eta)) - labels[i]) / rows.length;
    gradient[at.c] += error;
    for (let j = 0; j < hidden; j += 1) {
      const inner = error * params[at.v + j] * (1 - a[j] * a[j]);
      gradient[at.v + j] += error * a[j];
      gradient[at.b + j] += inner;
      gradient[j] += inner * rows[i][0];
      gradient[hidden + j] += inner * rows[i][1];
    }
  });
  return gradient;
}

/** The derivatives of the two penalties of one parameter: λρ sign(w) and 2λ(1 − ρ)w. */
export function slopes(w, { lam, mix }) {
  return { l1: lam * mix * Math.sign(w), l2: 2 * lam * (1 - mix) * w };
}

/** The proximal step of the penalty: towards zero by rate·λρ, and no further than zero; then shrunk. */
export function prox(z, rate, { lam, mix }) {
  const size = Math.abs(z) - rate * lam * mix;
  return size > 0 ? (Math.sign(z) * size) / (1 + 2 * rate * lam * (1 - mix)) : 0;
}

/** One step of all parameters; `proximal`, or along the gradient of everything, the penalty's subgradient in it. */
export function step(params, hidden, rows, labels, how, proximal) {
  const gradient = backward(params, hidden, rows, labels);
  return params.map((w, k) => {
    const pays = how.lam > 0 && (how.biases || !isBias(hidden, k));
    const along = w - how.rate * gradient[k];
    if (!pays) return along;
    if (proximal) return prox(along, how.rate, how);
    const { l1, l2 } = slopes(w, how);
    return along - how.rate * (l1 + l2);
  });
}

/** Numbers from 0 to 1 that are the same on every machine (a linear congruence, modulus 2³¹). */
export function uniform(seed) {
  let state = seed;
  return () => (state = (state * 1103515245 + 12345) % 2147483648) / 2147483648;
}

/** Small random weights, biases zero. */
export function initial(hidden, seed) {
  const next = uniform(seed);
  return Array.from({ length: parts(hidden).size }, (_, k) => (isBias(hidden, k) ? 0 : 1.6 * (next() - 0.5)));
}

/** Rows in [−1, 1]² and their labels, some of them wrong: what a network without a penalty learns by heart. */
export function dataset(name, count = 90, seed = 7) {
  const next = uniform(seed);
  const inside = { line: ([x, y]) => x + y > 0, circle: ([x, y]) => x * x + y * y < 0.45, cross: ([x, y]) => x * y > 0 }[name];
  const rows = Array.from({ length: count }, () => [2 * next() - 1, 2 * next() - 1]);
  return { rows, labels: rows.map((row) => Number(inside(row) !== next() < 0.08)) };
}
