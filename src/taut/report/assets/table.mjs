/** The table of kept features: both scales, how many fits keep each, sortable and searchable. */

import { html, seam, set, write } from "./drawing.mjs";
import { colour } from "./features.mjs";
import { panel } from "./frame.mjs";
import { counted, grouped, percent, significant, signed } from "./numbers.mjs";
import { toggled } from "./store.mjs";

const ROW = 31; // pixels
const WINDOW = 24; // rows that exist at a time, 12 of them in sight; the others are room above and below
const BEFORE = 6;
const FITS = 20; // letters of a name that every screen has room for

/** Where the window of rows begins in a box scrolled by `top` pixels. */
export function windowStart(top, count) {
  return Math.max(0, Math.min(Math.floor(top / ROW) - BEFORE, count - WINDOW));
}

/** A name in two parts, of which the first gives way where there is no room: the second tells it from the others. */
export function nameParts({ features, shared }, j) {
  const [name, from] = [features[j], seam(features[j], shared[j])];
  if (name.length <= FITS) return [html("span", {}, name)];
  return [html("span", {}, name.slice(0, from)), html("span", {}, name.slice(from))];
}

/** The rows to show: features that are kept at `index`, whose name holds `wanted`, in the order asked for. */
export function keptRows(story, { index, output, wanted, sort, down }) {
  const rows = [];
  const text = wanted.trim().toLowerCase();
  for (let j = 0; j < story.coefs.count; j += 1) {
    const perSd = story.coefs.at(j, output, index);
    if (perSd === 0 || (text && !story.features[j].toLowerCase().includes(text))) continue;
    const unit = story.units ? perSd * story.units[j][output] : null;
    rows.push({ j, name: story.features[j], perSd, unit, share: story.uses ? story.uses.share(j, index) : null });
  }
  const keys = {
    name: (a, b) => a.name.localeCompare(b.name),
    perSd: (a, b) => Math.abs(a.perSd) - Math.abs(b.perSd),
    unit: (a, b) => Math.abs(a.unit) - Math.abs(b.unit),
    share: (a, b) => a.share - b.share || Math.abs(a.perSd) - Math.abs(b.perSd),
  };
  return rows.sort((a, b) => (down ? -1 : 1) * keys[sort](a, b) || a.j - b.j);
}

/** The panel: a search field, the table in a box of fixed height. */
export function tablePanel(story, store) {
  const network = story.kind === "network";
  const words = network
    ? "The inputs that any prediction depends on at this λ."
    : "Per standard deviation of the feature, to compare; per unit of it, to compute with.";
  const parts = panel("table", network ? "Kept inputs" : "Kept features", words, true);
  const rank = new Map(story.ranking.map((j, place) => [j, place]));
  const columns = [
    { key: "name", name: network ? "Input" : "Feature", kind: "word" },
    { key: "perSd", name: network ? "Norm of weights, per sd" : "Per sd", kind: "number" },
    ...(story.units ? [{ key: "unit", name: "Per unit", kind: "number" }] : []),
    ...(story.uses ? [{ key: "share", name: `Kept in`, kind: "number", title: `share of the ${story.uses.fits}` }] : []),
  ];
  const view = { wanted: "", sort: "perSd", down: true };
  const heads = new Map(columns.map((column) => [column.key, headOf(column, sortBy)]));
  const body = html("tbody");
  const table = html("table", {}, html("thead", {}, html("tr", {}, ...heads.values())), body);
  const search = html("input", { type: "search", placeholder: "Find a feature", "aria-label": "Find a feature" });
  const pool = [];
  parts.legend.remove();
  parts.plot.className = "box";
  parts.plot.tabIndex = 0;
  set(parts.plot, { role: "region", "aria-label": "Rows of the table" });
  parts.plot.append(table);
  const count = html("span", { class: "count" });
  parts.section.insertBefore(html("div", { class: "tools" }, search, count), parts.plot);
  let [shownRows, whole, top] = [[], false, 0];
  const scrolled = () => {
    top = parts.plot.scrollTop; // read here alone: asked for within a frame, it would lay the page out once more
    if (shownRows.length > WINDOW) place();
  };
  parts.plot.addEventListener("scroll", scrolled, { passive: true });
  for (const [name, all] of [["beforeprint", true], ["afterprint", false]]) {
    window.addEventListener(name, () => {
      whole = all;
      place();
    });
  }
  search.addEventListener("input", () => {
    view.wanted = search.value;
    update(store.state);
  });

  function sortBy(key) {
    view.down = view.sort === key ? !view.down : key !== "name";
    view.sort = key;
    update(store.state);
  }

  /** Write the rows in sight, and leave room for the others. */
  function place() {
    const start = whole ? 0 : windowStart(top, shownRows.length);
    const rows = whole ? shownRows : shownRows.slice(start, start + WINDOW);
    const largest = shownRows.reduce((size, row) => Math.max(size, Math.abs(row.perSd)), 0) || 1;
    while (pool.length < rows.length) pool.push(rowOf(story, columns, (j) => store.set({ pins: toggled(store.state.pins, j) })));
    rows.forEach((row, k) => {
      pool[k].fill(row, largest, colour(rank.get(row.j)), store.state.pins.includes(row.j));
      set(pool[k].element, { "aria-rowindex": start + k + 2 });
    });
    while (body.children.length > rows.length) body.lastChild.remove();
    body.append(...rows.slice(body.children.length).map((_, k) => pool[body.children.length + k].element));
    table.style.marginTop = `${start * ROW}px`;
    table.style.marginBottom = `${(shownRows.length - start - rows.length) * ROW}px`;
    set(table, { "aria-rowcount": shownRows.length + 1 });
  }

  function update({ index, output }) {
    shownRows = keptRows(story, { index, output, ...view });
    place();
    const rows = shownRows;
    for (const [key, head] of heads) {
      set(head, { "aria-sort": key === view.sort ? (view.down ? "descending" : "ascending") : null });
    }
    const drawn = story.coefs.count < story.total ? `, the strongest ${grouped(story.coefs.count)} of ${grouped(story.total)} in this page` : "";
    const of = story.coefs.outputs > 1 ? ` used for ${story.classes[output]}` : " kept";
    const found = view.wanted ? `${of}, “${view.wanted}” in the name` : of;
    const all = view.wanted ? rows.length : story.used[Math.min(output, story.used.length - 1)][index];
    write(count, `${counted(all, network ? "input" : "feature")}${found}${drawn}`);
  }

  return { section: parts.section, plot: parts.plot, draw: () => update(store.state), update };
}

function headOf({ key, name, kind, title }, sortBy) {
  const button = html("button", { type: "button", title: title ?? null }, name);
  button.addEventListener("click", () => sortBy(key));
  return html("th", { scope: "col", class: kind }, button);
}

/** A row that is written anew wherever it differs. */
function rowOf(story, columns, onPin) {
  const swatch = html("i", { class: "key" });
  const name = html("span", { class: "feature" });
  const button = html("button", { type: "button", class: "pin" }, swatch, name);
  const bar = html("i", { class: "bar" });
  const cells = new Map(columns.slice(1).map(({ key }) => [key, html("span", {})]));
  const cell = ({ key, kind }) =>
    html("td", { class: kind }, ...(key === "perSd" ? [html("span", { class: "track" }, bar)] : []), cells.get(key));
  const element = html("tr", {}, html("td", { class: "word" }, button), ...columns.slice(1).map(cell));
  let feature = null;
  button.addEventListener("click", () => onPin(feature));

  function fill(row, largest, key, pinned) {
    feature = row.j;
    if (name.textContent !== row.name) name.replaceChildren(...nameParts(story, row.j));
    set(button, { "aria-pressed": pinned ? "true" : "false", title: row.name });
    set(swatch, { class: `key ${key}` });
    set(bar, { class: `bar ${row.perSd < 0 ? "minus" : "plus"}` });
    const width = `${((50 * Math.abs(row.perSd)) / largest).toFixed(2)}%`;
    if (bar.style.width !== width) bar.style.width = width;
    const texts = { perSd: signed(row.perSd, 3), unit: signed(row.unit ?? NaN, 3), share: percent(row.share, 0) };
    if (!cells.has("unit")) texts.perSd = significant(row.perSd, 3);
    for (const [column, span] of cells) write(span, texts[column]);
  }

  return { element, fill };
}
