/** Test: the models on the rows that took no part, the one at the current λ among them. */

import { html, set, write } from "./drawing.mjs";
import { panel } from "./frame.mjs";
import { counted, significant } from "./numbers.mjs";

/** A bar for each model, shorter is better; the first moves with λ. */
export function testPanel(story, store) {
  const { test } = story;
  const words = `On ${counted(test.rows, "row")} that took no part in fit or choice; shorter is better. To look, not to choose by.`;
  const parts = panel("test", "Held-out test", words);
  parts.legend.remove();
  parts.plot.className = "bars";
  set(parts.plot, { tabindex: 0, role: "region", "aria-label": "Models on the test rows" }); // on a phone it scrolls
  const models = test.models.map(([name, score, other, note]) => ({ name, score, other, note }));
  const scores = [...models.map((model) => model.score), ...(test.score ?? [])].filter(Number.isFinite);
  const largest = Math.max(...scores, Number.MIN_VALUE);
  const head = html("tr", {}, ...["Model", "", test.name, test.second].map((name, k) => html(k === 1 ? "td" : "th", { scope: k === 1 ? null : "col", class: k ? "number" : "word" }, name)));
  const moving = test.score ? barRow("at this λ", "now") : null;
  const rows = models.map((model) => {
    const row = barRow(model.name, model.name === "chosen" ? "c0" : "rest");
    row.fill(model, largest);
    return row;
  });
  const all = [...(moving ? [moving] : []), ...rows].map((row) => row.element);
  parts.plot.append(html("table", {}, html("thead", {}, head), html("tbody", {}, ...all)));

  function update({ index }) {
    if (moving) moving.fill({ score: test.score[index], other: test.other[index] }, largest);
  }

  return { section: parts.section, plot: parts.plot, draw: () => update(store.state), update };
}

function barRow(name, key) {
  const bar = html("i", { class: `bar plus ${key}` });
  const [score, other] = [html("span", {}), html("td", { class: "number" })];
  const element = html(
    "tr",
    { class: key === "now" ? "now" : null },
    html("td", { class: "word" }, name),
    html("td", { class: "lane" }, html("span", { class: "track whole" }, bar)),
    html("td", { class: "number" }, score),
    other,
  );
  const fill = (model, largest) => {
    const known = Number.isFinite(model.score);
    bar.style.width = known ? `${((100 * Math.max(0, model.score)) / largest).toFixed(2)}%` : "0";
    write(score, significant(model.score, 4));
    write(other, significant(model.other, 3));
    set(element, { title: model.note || null });
  };
  return { element, fill };
}
