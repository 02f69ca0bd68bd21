import assert from "node:assert/strict";
import { test } from "node:test";
import { NONE, counted, decimalsFor, grouped, percent, signed, significant, withError } from "../../../src/taut/report/assets/numbers.mjs";

const THIN = "\u202f";

test("significant digits, thousands apart", () => {
  assert.equal(significant(0.0587, 3), "0.0587");
  assert.equal(significant(1234567, 4), `1${THIN}235${THIN}000`);
  assert.equal(significant(-0.01199, 3), "−0.0120");
  assert.equal(significant(0), "0.00");
});

test("very small and very large numbers are powers of ten", () => {
  assert.equal(significant(3.21e-7, 2), "3.2e−07");
  assert.equal(significant(-4.5e9, 2), "−4.5e+09");
});

test("what is not a number is a dash", () => {
  for (const value of [NaN, Infinity, null]) assert.equal(significant(value), NONE);
  assert.equal(percent(null), NONE);
});

test("an error gives both numbers their digits", () => {
  assert.equal(withError(1.3312, 0.1093), "1.33 ± 0.11");
  assert.equal(withError(33912, 1931), `33${THIN}900 ± 1${THIN}900`);
  assert.equal(withError(2.5, null), "2.500");
});

test("signs, shares, counts", () => {
  assert.equal(signed(0.5, 2), "+0.50");
  assert.equal(signed(-0.5, 2), "−0.50");
  assert.equal(percent(0.847), `84.7${THIN}%`);
  assert.equal(percent(-1e-9), `0.0${THIN}%`);
  assert.equal(counted(1, "feature"), "1 feature");
  assert.equal(counted(1000, "feature"), `1${THIN}000 features`);
  assert.equal(decimalsFor(0.0587, 3), 4);
  assert.equal(grouped(1549, -2), `1${THIN}500`);
});
