/** Elements: markup made of nodes; text from data becomes text nodes and nothing else. */

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
