/** One state drives the page: λ (a position on the path), the features pointed at and pinned, the output, the mix. */

export class Store {
  constructor(state, schedule = (run) => requestAnimationFrame(run)) {
    this.state = state;
    this.listeners = [];
    this.schedule = schedule;
    this.waiting = false;
  }

  /** Call `listener(state, changed)` after each change, once per frame; `changed` names what differs. */
  listen(listener) {
    this.listeners.push(listener);
  }

  set(patch) {
    const changed = Object.keys(patch).filter((key) => this.state[key] !== patch[key]);
    if (!changed.length) return;
    this.state = { ...this.state, ...patch };
    this.changed = new Set([...(this.changed ?? []), ...changed]);
    if (this.waiting) return;
    this.waiting = true;
    this.schedule(() => this.flush());
  }

  flush() {
    const changed = this.changed ?? new Set();
    this.waiting = false;
    this.changed = new Set();
    for (const listener of this.listeners) listener(this.state, changed);
  }
}

/** The patch that moves λ to a position on a path of `length` strengths; between two, the nearer one is shown. */
export function moved(position, length) {
  const inside = Math.min(Math.max(position, 0), length - 1);
  return { position: inside, index: Math.round(inside) };
}

/** The pinned features with `feature` added, or taken out where it was in. */
export function toggled(pins, feature) {
  return pins.includes(feature) ? pins.filter((j) => j !== feature) : [...pins, feature];
}
