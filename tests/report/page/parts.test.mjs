import assert from "node:assert/strict";
import { test } from "node:test";
import { LambdaAxis, decades, linear, places, tickTexts, ticks } from "../../../src/taut/report/assets/axes.mjs";
import { Series, Uses, ranked, symmetric } from "../../../src/taut/report/assets/data.mjs";
import { area, distinct, line, seam, shared, short, spread } from "../../../src/taut/report/assets/drawing.mjs";
import { start } from "../../../src/taut/report/assets/main.mjs";
import { namedPlaces } from "../../../src/taut/report/assets/frame.mjs";
import { domainOf, leastPlace, lowest } from "../../../src/taut/report/assets/lines.mjs";
import { groupAt } from "../../../src/taut/report/assets/groups.mjs";
import { bowl, ellipse, region, share } from "../../../src/taut/report/assets/pair.mjs";
import { ElasticNet } from "../../../src/taut/report/assets/solver.mjs";
import { Store, moved, toggled } from "../../../src/taut/report/assets/store.mjs";
import { keptRows, windowStart } from "../../../src/taut/report/assets/table.mjs";

const base64 = (array) => Buffer.from(array.buffer).toString("base64");

test("ticks are round and inside", () => {
  assert.deepEqual(ticks(0, 1, 5), [0, 0.2, 0.4, 0.6, 0.8, 1]);
  assert.deepEqual(ticks(-3, 12, 4), [0, 5, 10]);
  assert.deepEqual(ticks(2, 2), [2]);
  assert.deepEqual(tickTexts([0, 0.2, 0.4]), ["0.0", "0.2", "0.4"]);
  assert.deepEqual(tickTexts([-5, 0, 5]), ["−5", "0", "5"]);
  for (const [low, high] of [[0, 1e-7], [-1e9, 1e9], [0.999, 1.001]]) {
    const found = ticks(low, high);
    assert.ok(found.length >= 3 && found.every((value) => value >= low && value <= high));
    assert.equal(new Set(tickTexts(found)).size, found.length);
  }
});

test("a linear scale and its inverse", () => {
  const scale = linear([2, 4], [100, 300]);
  assert.equal(scale(3), 200);
  assert.equal(scale.invert(scale(2.7)), 2.7);
});

test("the λ axis: order, ticks, λ = 0, between two strengths, one strength", () => {
  const axis = new LambdaAxis([10, 1, 0.1, 0], [0, 300]);
  assert.ok(axis.x(0) < axis.x(1) && axis.x(2) < axis.x(3));
  assert.equal(axis.index(axis.x(2) + 3), 2);
  assert.ok(Math.abs(axis.lam(0.5) - Math.sqrt(10)) < 1e-12);
  assert.equal(axis.lam(2.5), 0.05);
  assert.equal(axis.lam(3), 0);
  assert.equal(axis.ticks().at(-1).lam, 0);
  assert.equal(new LambdaAxis([0.3], [0, 300]).x(0), 150);
  assert.equal(places([0]).length, 1);
  assert.deepEqual(decades(0.001, 1), [0.001, 0.01, 0.1, 1]);
  assert.ok(decades(0.2, 0.9).length >= 2);
});

test("series come back as they were packed, zeros exact", () => {
  // feature 0 is used from place 1, feature 1 never, feature 2 from the start; two outputs
  const packed = Float32Array.of(1, 2, -1, 0, 5, 6, 7, 8, 0, 9);
  const series = new Series({ outputs: 2, length: 3, first: [1, 3, 0], values: base64(packed) });
  assert.deepEqual([0, 1, 2].map((i) => series.at(0, 0, i)), [0, 1, 2]);
  assert.deepEqual([0, 1, 2].map((i) => series.at(0, 1, i)), [0, -1, 0]);
  assert.deepEqual([0, 1, 2].map((i) => series.at(2, 1, i)), [8, 0, 9]);
  assert.equal(series.size(1, 2), 0);
  assert.deepEqual(ranked(series, 2), [2, 0, 1]);
});

test("counts of fits and symmetric matrices", () => {
  const uses = new Uses({ fits: "4 fits", of: 4, counts: base64(Uint8Array.of(0, 2, 4, 1)) }, 2);
  assert.equal(uses.share(1, 0), 1);
  assert.deepEqual([...symmetric(base64(Float64Array.of(1, 2, 3)), 2)], [1, 2, 2, 3]);
});

test("groups are read by λ, then by group", () => {
  const groups = { values: Float32Array.from({ length: 12 }, (_, i) => i), shape: [2, 3] };
  assert.deepEqual([...groupAt(groups, 1, 1)], [9, 10, 11]);
});

test("paths break at what is missing; areas close", () => {
  assert.equal(line([[0, 1], [1, NaN], [2, 3], [3, 4]]), "M0.0 1.0M2.0 3.0L3.0 4.0");
  assert.equal(area([[0, 1], [1, 1]], [[0, 0], [1, 0]]), "M0.0 1.0L1.0 1.0L1.0 0.0L0.0 0.0Z");
  assert.equal(area([], []), "");
});

test("labels stand apart and inside", () => {
  const ys = spread([100, 101, 99, 10, 299], 15, 0, 300);
  const order = [...ys].sort((a, b) => a - b);
  assert.ok(order.slice(1).every((y, i) => y - order[i] >= 15 - 1e-9));
  assert.ok(order[0] >= 0 && order.at(-1) <= 300);
  assert.equal(short("a name that is far too long", 10), "a name th…");
});

test("the range of curves holds their bands, and zero where heights are compared", () => {
  const [low, high] = domainOf([{ values: [2, null, 3], band: [[1, NaN, 2], [3, 4, 4]] }], false);
  assert.ok(low < 1 && high > 4);
  assert.equal(domainOf([{ values: [2, 3] }], true)[0], 0);
  assert.deepEqual(domainOf([{ values: [null] }], false), [0, 1]);
});

test("one state: changes are told once a frame, with their names", () => {
  const frames = [];
  const store = new Store({ index: 0, pins: [] }, (run) => frames.push(run));
  const heard = [];
  store.listen((state, changed) => heard.push([state.index, [...changed]]));
  store.set({ index: 1 });
  store.set({ index: 2 });
  store.set({ index: 2 });
  assert.equal(frames.length, 1);
  frames[0]();
  assert.deepEqual(heard, [[2, ["index"]]]);
  assert.deepEqual(moved(7.6, 5), { position: 4, index: 4 });
  assert.deepEqual(moved(1.6, 5), { position: 1.6, index: 2 });
  assert.deepEqual(toggled(toggled([1], 2), 1), [2]);
});

test("the table: kept features alone, searched and sorted", () => {
  const series = new Series({ outputs: 1, length: 1, first: [0, 0, 1, 0], values: base64(Float32Array.of(-3, 1, 2)) });
  const story = { coefs: series, features: ["beta", "alpha", "zero", "gamma"], units: [[2], [1], [1], [10]], uses: null };
  const names = (asked) => keptRows(story, { index: 0, output: 0, wanted: "", sort: "perSd", down: true, ...asked }).map((row) => row.name);
  assert.deepEqual(names({}), ["beta", "gamma", "alpha"]);
  assert.deepEqual(names({ sort: "unit" }), ["gamma", "beta", "alpha"]);
  assert.deepEqual(names({ sort: "name", down: false }), ["alpha", "beta", "gamma"]);
  assert.deepEqual(names({ wanted: "AM" }), ["gamma"]);
});

test("marks of one place share a name", () => {
  assert.deepEqual(namedPlaces({ "1se": 3, min: 7, chosen: 7 }), [["1se", 3], ["min", 7]]);
  assert.deepEqual(namedPlaces({ "1se": 7, min: 7, chosen: 7 }), [["1se = min", 7]]);
  assert.deepEqual(namedPlaces({ chosen: 2 }), [["chosen", 2]]);
  assert.deepEqual(namedPlaces({}), []);
});

test("a window of rows stays inside, whatever is scrolled", () => {
  assert.equal(windowStart(0, 300), 0);
  assert.equal(windowStart(31 * 100, 300), 94);
  assert.equal(windowStart(31 * 400, 300), 276);
  assert.equal(windowStart(500, 10), 0);
});

test("two coefficients: rings have one loss, shapes one penalty, and they touch at the solution", () => {
  const net = new ElasticNet(Float64Array.of(1, 0.4, 0.7, 0.4, 1, 0.5, 0.7, 0.5, 1), 2);
  for (const [lam, mix] of [[0.3, 1], [0.3, 0.5], [0.5, 0]]) {
    const w = net.solve(lam, mix);
    const found = bowl(net, w, 0, 1);
    const loss = ([x, y]) => net.value(Float64Array.of(x, y), 0, 1).data;
    const level = loss(w) - loss(found.center);
    for (const point of ellipse(found, level)) assert.ok(Math.abs(loss(point) - loss(w)) < 1e-10);
    const allowed = region(mix, share(mix, w[0], w[1]));
    for (const [x, y] of allowed) {
      assert.ok(Math.abs(share(mix, x, y) - share(mix, w[0], w[1])) < 1e-10);
      assert.ok(loss([x, y]) >= loss(w) - 1e-10, "no allowed point has a lower loss");
    }
  }
});

test("a page of words and tables alone is left as it stands", () => {
  assert.equal(start({ querySelector: () => ({ textContent: "{}" }) }), null);
});

test("names that are cut still differ: by their level, by the word in which they part", () => {
  const levels = ["ocean_proximity=INLAND", "ocean_proximity=NEAR BAY", "ocean_proximity=NEAR OCEAN"];
  const columns = [1, 2, 10, 11].map((k) => `a very long name of some column, number ${k}`);
  for (const names of [levels, columns, [...levels, ...columns, "age", "ocean"]]) {
    const cut = distinct(names, 18);
    assert.equal(new Set(cut).size, names.length);
    assert.ok(cut.every((name) => name.length <= 18));
  }
  assert.ok(distinct(levels, 18)[2].endsWith("…NEAR OCEAN"));
  assert.ok(distinct(columns, 18)[0].endsWith("…1"));
  assert.deepEqual(shared(["ab", "abc", "x"]), [2, 2, 0]);
  assert.equal(seam("town=Aa", 5), 5);
  assert.deepEqual(distinct(["short", "names"], 18), ["short", "names"]);
});

test("a close-up is the range near the best place", () => {
  const values = [10, 4, 2, 1, 1.2, 1.4];
  assert.equal(leastPlace([null, 3, 1, 2]), 2);
  const [low, high] = lowest([{ values, judged: 3 }]);
  assert.ok(low < 1 && high > 1.4 && high < 2.2);
  assert.equal(lowest([{ values }]), null);
});
