/** Elements: markup made of nodes; text from data becomes text nodes and nothing else. */

const LETTER = 6.9; // pixels that a letter of 12 pixels takes, at most on average
const TAIL = 14; // letters that the end of a name may have to stand whole
const SVG = "http://www.w3.org/2000/svg";

/** An HTML element with attributes and children; `null` children are left out. */
export function html(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** An SVG element. */
export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(element, attributes, children) {
  set(element, attributes);
  element.append(...children.filter((child) => child !== null));
  return element;
}

/** Set attributes; false and null take one away. */
export function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === false) element.removeAttribute(name);
    else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value === true ? "" : value);
  }
  return element;
}

/** Write text where it differs: what has not changed is not laid out again. */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** `M…L…` through points; gaps where a number is missing. */
export function line(points) {
  let path = "";
  let open = false;
  for (const [x, y] of points) {
    if (!Number.isFinite(y)) {
      open = false;
      continue;
    }
    path += `${open ? "L" : "M"}${x.toFixed(1)} ${y.toFixed(1)}`;
    open = true;
  }
  return path;
}

/** A closed shape between an upper and a lower row of points. */
export function area(upper, lower) {
  const there = upper.filter(([, y]) => Number.isFinite(y));
  const back = lower.filter(([, y]) => Number.isFinite(y)).reverse();
  return there.length ? `${line([...there, ...back])}Z` : "";
}

/** A name no longer than `length`, its end replaced by dots. */
export function short(name, length = 18) {
  return name.length > length ? `${name.slice(0, length - 1)}…` : name;
}

/** Where each name first differs from all others: the letters that it shares with the one most like it. */
export function shared(names) {
  const order = names.map((_, j) => j).sort((a, b) => (names[a] < names[b] ? -1 : names[a] > names[b] ? 1 : a - b));
  const found = names.map(() => 0);
  for (let k = 1; k < order.length; k += 1) {
    const [one, other] = [names[order[k - 1]], names[order[k]]];
    let same = 0;
    while (same < one.length && one[same] === other[same]) same += 1;
    for (const j of [order[k - 1], order[k]]) found[j] = Math.max(found[j], same);
  }
  return found;
}

/** The place at which a name may be cut in two, so that its second part tells it from the others: a level, or a word. */
export function seam(name, same) {
  const level = name.indexOf("=") + 1;
  if (level && level <= same && name.length - level <= TAIL) return level;
  const word = name.lastIndexOf(" ", same - 1) + 1;
  return word && same - word <= TAIL ? word : same;
}

/** Names no longer than `length`, cut in front of what tells them apart. */
export function distinct(names, length) {
  return shared(names).map((same, j) => {
    const name = names[j];
    const from = seam(name, same);
    if (name.length <= length || from < length / 2) return short(name, length);
    const whole = name.length - from <= length - 4;
    const rest = name.slice(whole ? from : Math.max(from, Math.min(same, name.length - 4)));
    const room = length - 1 - Math.min(rest.length, length - 4);
    return `${name.slice(0, room)}…${short(rest, length - 1 - room)}`;
  });
}

/** The title of an upright axis: it lies above the axis, where it can be read and crosses no number. */
export function upTitle(words, width) {
  const shown = svg("text", { class: "axis", x: 2, y: 12 }, short(words, Math.floor(width / LETTER)));
  if (shown.textContent !== words) shown.append(svg("title", {}, words));
  return shown;
}

/** The room that numbers beside an upright axis take. */
export function leftRoom(texts) {
  return 16 + LETTER * Math.max(...texts.map((text) => text.length), 2);
}

/** Move labels apart: the heights `ys` with at least `gap` between neighbours, kept within `[low, high]`. */
export function spread(ys, gap, low, high) {
  const order = ys.map((_, i) => i).sort((a, b) => ys[a] - ys[b]);
  const placed = [...ys];
  let last = low - gap;
  for (const i of order) last = placed[i] = Math.max(placed[i], last + gap);
  let next = high + gap;
  for (const i of [...order].reverse()) next = placed[i] = Math.min(placed[i], next - gap);
  return placed;
}
