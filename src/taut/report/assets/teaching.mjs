/** Teaching: the page solves the model itself while λ and the mix of L1 and L2 move. */

import { LambdaAxis } from "./axes.mjs";
import { symmetric } from "./data.mjs";
import { html, write } from "./drawing.mjs";
import { featuresPanel } from "./features.mjs";
import { panel } from "./frame.mjs";
import { grouped, significant, signed } from "./numbers.mjs";
import { pairPicture } from "./pair.mjs";
import { ElasticNet } from "./solver.mjs";
import { moved } from "./store.mjs";

const STEPS = 1000; // of the sliders

/** The solver of a story, with solutions of its grid remembered for the latest mix. */
export class Live {
  constructor(story) {
    this.p = story.features.length;
    this.net = new ElasticNet(symmetric(story.moments.triangle, this.p + 1), this.p);
    this.axis = new LambdaAxis(story.lambdas, [0, 1]);
    this.factor = story.moments.factor;
    this.grid = story.lambdas.map((lam) => lam * this.factor);
  }

  /** Solutions on the fit's own grid of λ. */
  path(mix) {
    if (this.mix !== mix) {
      this.mix = mix;
      this.solutions = this.net.path(this.grid, mix);
    }
    return this.solutions;
  }

  /** The solution at a position on the path, between two strengths too. */
  at(position, mix) {
    const lam = this.axis.lam(position) * this.factor;
    const w = this.net.solve(lam, mix, this.path(mix)[Math.floor(position)]);
    return { lam, w, ...this.net.value(w, lam, mix) };
  }
}

/** The solver of a story, made once for all who ask. */
export function liveOf(story) {
  story.live ??= new Live(story);
  return story.live;
}

/** Panels of the live model: its controls and numbers, its path, the picture of two coefficients. */
export function teachingPanels(story, store) {
  const live = liveOf(story);
  const mixing = controls(story, store, live);
  const picture = pairPanel(story, store, live);
  const path = featuresPanel(story, store, {
    id: "live-path",
    title: "The path at this mix",
    words: "Solved here, now, at every λ; at the fit's own mix it is the path above.",
    label: "Coefficient per sd",
    value: (j, i) => live.path(store.state.mix)[i][j],
    say: (j, i) => `${signed(live.path(store.state.mix)[i][j])} per sd`,
    redrawn: ["mix"],
  });
  return [mixing, picture, path];
}

function slider(label, attributes) {
  const input = html("input", { type: "range", min: 0, "aria-label": label, ...attributes });
  const value = html("b", {});
  return { input, value, element: html("label", { class: "knob" }, html("span", {}, label), input, value) };
}

function controls(story, store, live) {
  const words =
    "The correlations of the features are in this page, so the elastic net is solved in it, for any λ and any mix of the two penalties.";
  const parts = panel("teach", "Solve it yourself", words);
  const lam = slider("λ", { id: "live-lam", max: STEPS });
  const mix = slider("L1 : L2", { id: "live-mix", max: 100 });
  const same = html("button", { type: "button" }, "the fit's own mix");
  const numbers = ["data loss (share of variance)", "penalty", "sum", "kept", "duality gap"].map((name) => {
    const value = html("dd", {});
    return { value, element: html("div", {}, html("dt", {}, name), value) };
  });
  parts.legend.remove();
  parts.plot.className = "knobs";
  parts.plot.append(lam.element, mix.element, html("p", {}, same), html("dl", {}, ...numbers.map(({ element }) => element)));
  lam.input.addEventListener("input", () =>
    store.set(moved((Number(lam.input.value) / STEPS) * (story.length - 1), story.length)),
  );
  mix.input.addEventListener("input", () => store.set({ mix: Number(mix.input.value) / 100 }));
  same.addEventListener("click", () => store.set({ mix: story.moments.mix }));

  function update(state) {
    const found = live.at(state.position, state.mix);
    lam.input.value = Math.round((STEPS * state.position) / Math.max(1, story.length - 1));
    mix.input.value = Math.round(100 * state.mix);
    write(lam.value, significant(found.lam / live.factor, 4));
    write(mix.value, `${grouped(100 * state.mix)} : ${grouped(100 - 100 * state.mix)}`);
    const kept = found.w.filter((value) => value !== 0).length;
    const texts = [found.data, found.penalty, found.data + found.penalty].map((value) => grouped(value, 4));
    [...texts, `${kept} of ${live.p}`, gapText(found.gap)].forEach((text, k) => write(numbers[k].value, text));
  }

  return { section: parts.section, plot: parts.plot, draw: () => update(store.state), update };
}

function pairPanel(story, store, live) {
  const words = "Rings: the loss, the other coefficients held. Shape: what a penalty of this size allows. They touch at the solution.";
  const parts = panel("pair", "Two coefficients", words);
  const picture = pairPicture(story, parts.plot);
  const choices = [story.ranking[0], story.ranking[1] ?? story.ranking[0]];
  const selects = choices.map((chosen, k) => {
    const options = story.features.map((name, j) => html("option", { value: j, selected: j === chosen }, name));
    const select = html("select", { "aria-label": k ? "Feature upwards" : "Feature across" }, ...options);
    select.addEventListener("change", () => {
      choices[k] = Number(select.value);
      update(store.state);
    });
    return select;
  });
  parts.legend.append(...selects);

  function update({ position, mix }) {
    const [a, b] = choices;
    picture.draw(live.net, { w: live.at(position, mix).w, path: live.path(mix), mix, a, b });
  }

  return { section: parts.section, plot: parts.plot, draw: () => update(store.state), update };
}

/** A gap in one digit; below what double precision can tell it is only said to be there. */
function gapText(gap) {
  return gap < 1e-15 ? "below 1e−15" : gap.toExponential(0).replace("-", "−");
}
