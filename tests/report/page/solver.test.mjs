import assert from "node:assert/strict";
import { test } from "node:test";
import { ElasticNet, choleskySolve } from "../../../src/taut/report/assets/solver.mjs";

/** Standardised moments of random rows, with y a mix of the columns and noise. */
function moments(p, n, seed) {
  let state = seed;
  const uniform = () => ((state = (state * 1103515245 + 12345) % 2147483648) + 0.5) / 2147483648;
  const normal = () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
  const rows = Array.from({ length: n }, () => {
    const common = normal();
    const x = Array.from({ length: p }, () => normal() + common);
    return [...x, x.reduce((sum, value, j) => sum + (j % 3 ? 0 : value / (j + 1)), 0) + normal()];
  });
  for (let j = 0; j <= p; j += 1) {
    const mean = rows.reduce((sum, row) => sum + row[j], 0) / n;
    const sd = Math.sqrt(rows.reduce((sum, row) => sum + (row[j] - mean) ** 2, 0) / n);
    rows.forEach((row) => (row[j] = (row[j] - mean) / sd));
  }
  const found = new Float64Array((p + 1) ** 2);
  for (let i = 0; i <= p; i += 1)
    for (let j = 0; j <= p; j += 1) found[i * (p + 1) + j] = rows.reduce((sum, row) => sum + row[i] * row[j], 0) / n;
  return found;
}

for (const [p, mix, seed] of [[5, 1, 1], [20, 1, 2], [20, 0.5, 3], [40, 0.05, 4], [12, 0, 5], [60, 1, 6]]) {
  test(`a path of ${p} features at mix ${mix} is optimal at every λ`, () => {
    const net = new ElasticNet(moments(p, 4 * p, seed), p);
    const lambdas = Array.from({ length: 30 }, (_, i) => 2 * 10 ** (-i / 8));
    net.path(lambdas, mix).forEach((w, i) => assert.ok(net.value(w, lambdas[i], mix).gap < 1e-10, `λ ${lambdas[i]}`));
  });
}

test("at λ_max everything is exactly zero, and just below something is not", () => {
  const net = new ElasticNet(moments(10, 50, 7), 10);
  const top = Math.max(...Array.from(net.c, (value) => 2 * Math.abs(value)));
  assert.deepEqual([...net.solve(top * 1.0000001, 1)], Array(10).fill(0));
  assert.ok(net.solve(top * 0.999, 1).some((value) => value !== 0));
});

test("one feature has a closed form", () => {
  const net = new ElasticNet(Float64Array.of(1, 0.6, 0.6, 1), 1);
  assert.ok(Math.abs(net.solve(0.4, 1)[0] - 0.4) < 1e-15); // S(0.6, λ/2)
  assert.ok(Math.abs(net.solve(0.4, 0)[0] - 0.6 / 1.2) < 1e-15); // c / (1 + λ/2)
  assert.ok(Math.abs(net.solve(0.4, 0.5)[0] - 0.5 / 1.1) < 1e-15);
});

test("two copies of a feature, and a constant one, do not keep it from an optimum", () => {
  const m = Float64Array.of(1, 1, 0, 0.8, 1, 1, 0, 0.8, 0, 0, 0, 0, 0.8, 0.8, 0, 1);
  const net = new ElasticNet(m, 3);
  const w = net.solve(0.1, 1);
  assert.equal(w[2], 0);
  assert.ok(net.value(w, 0.1, 1).gap < 1e-12);
  assert.ok(Math.abs(w[0] + w[1] - 0.75) < 1e-10);
});

test("the gap is an upper bound: a wrong point shows one", () => {
  const net = new ElasticNet(moments(8, 60, 9), 8);
  const w = net.solve(0.2, 1);
  const best = net.value(w, 0.2, 1);
  const wrong = net.value(w.map((value) => value * 1.1), 0.2, 1);
  assert.ok(wrong.gap >= wrong.data + wrong.penalty - best.data - best.penalty - 1e-12);
  assert.ok(wrong.gap > 1e-6);
});

test("a matrix that is not positive definite has no solution", () => {
  assert.equal(choleskySolve([Float64Array.of(1, 1), Float64Array.of(1, 1)], Float64Array.of(1, 2), 2), null);
  const x = choleskySolve([Float64Array.of(4, 2), Float64Array.of(2, 3)], Float64Array.of(2, 5), 2);
  assert.ok(Math.abs(4 * x[0] + 2 * x[1] - 2) < 1e-12 && Math.abs(2 * x[0] + 3 * x[1] - 5) < 1e-12);
});
