/** The bar that stays in sight: λ, its slider, the marks one click away, and what λ means in four numbers. */

import { html, set, write } from "./drawing.mjs";
import { NONE, counted, percent, significant, withError } from "./numbers.mjs";
import { moved } from "./store.mjs";
import { liveOf } from "./teaching.mjs";

/** The solution of this page at a place between two strengths or at another mix, where that is what is shown; else null. */
function solvedHere(story, { position, index, mix }) {
  const own = Math.abs(mix - (story.moments?.mix ?? mix)) < 0.005;
  return story.moments && (position !== index || !own) ? liveOf(story).at(position, mix) : null;
}

/** What the numbers of a solution are: the folds and the test rows know nothing of it. */
function liveReadings(story, { w, data, kept = w.filter((value) => value !== 0).length }) {
  const share = percent(1 - data / liveOf(story).net.yy);
  const told = { kept: [`${kept} of ${story.total}`, `${counted(kept, "feature")} kept`], explained: [share, `${share} explained`] };
  return readings(story, story.index).map(([name]) => [name, ...(told[name] ?? [NONE, `${name} not known here`])]);
}

/** What the numbers at a place on the path are, in words. */
export function readings(story, index) {
  const noun = story.kind === "network" ? "weight" : "feature";
  const of = story.kind === "network" ? "" : ` of ${story.total}`;
  const kept = story.nonzeros[index];
  const found = [["kept", `${kept}${of}`, `${counted(kept, noun)}${of} kept`]];
  found.push(["explained", percent(story.explained[index]), `${percent(story.explained[index])} explained`]);
  if (story.scores) {
    const text = withError(story.scores.mean[index], story.scores.error[index]);
    found.push([`CV ${story.scores.name}`, text, `cross-validated ${story.scores.name} ${text}`]);
  }
  if (story.test?.score) {
    const text = significant(story.test.score[index], 4);
    found.push([`test ${story.test.name}`, text, `test ${story.test.name} ${text}`]);
  }
  return found;
}

/** The bar itself. */
export function control(story, store) {
  const lam = html("output", { class: "lam", id: "lam" });
  const slider = html("input", {
    type: "range", id: "slider", min: 0, max: story.length - 1, step: 1, "aria-label": "λ, from strong to weak",
  });
  const marks = Object.entries(story.marks).filter(([name]) => name !== "chosen" || !isRule(story));
  const jump = ([name, place]) => {
    const button = html("button", { type: "button", class: "jump", "data-mark": name }, name);
    if (place === story.marks.chosen && name !== "chosen") button.append(html("small", {}, " chosen"));
    button.addEventListener("click", () => store.set(moved(place, story.length)));
    return [place, button];
  };
  const jumps = marks.map(jump);
  const stops = html("span", { class: "stops", "aria-hidden": "true" });
  for (const [, place] of marks) {
    const stop = html("i", {});
    stop.style.left = `${(100 * place) / Math.max(1, story.length - 1)}%`;
    stops.append(stop);
  }
  const numbers = readings(story, store.state.index).map(([name]) => {
    const value = html("b", {});
    return { value, element: html("span", { class: "reading" }, html("small", {}, name), value) };
  });
  const bar = html(
    "div",
    { class: "control", role: "group", "aria-label": "Regularization strength" },
    html("label", { class: "lambda", for: "slider" }, html("small", {}, "λ"), lam),
    html("span", { class: "slider" }, stops, slider, html("span", { class: "ends", "aria-hidden": "true" }, html("small", {}, "strong, simple"), html("small", {}, "weak, flexible"))),
    html("span", { class: "jumps" }, ...jumps.map(([, button]) => button)),
    html("span", { class: "readings" }, ...numbers.map(({ element }) => element)),
    ...(classed(story) ? [outputs(story, store)] : []),
  );
  slider.addEventListener("input", () => store.set(moved(Number(slider.value), story.length)));

  function update(state) {
    const { index } = state;
    const live = solvedHere(story, state);
    const shown = live ? live.lam / story.moments.factor : story.lambdas[index];
    const text = shown === 0 ? "0" : significant(shown, 4);
    write(lam, text);
    if (Number(slider.value) !== index) slider.value = index;
    const told = live ? liveReadings(story, live) : readings(story, index);
    told.forEach(([, value], k) => write(numbers[k].value, value));
    set(slider, { "aria-valuetext": [`λ ${text}`, ...told.map(([, , words]) => words)].join(", ") });
    for (const [place, button] of jumps) set(button, { "aria-pressed": place === index && !live ? "true" : "false" });
  }

  return { element: bar, update };
}

/** Whether the chosen λ is one that a rule points at, under the rule's own name. */
function isRule({ marks }) {
  return marks.chosen === marks.min || marks.chosen === marks["1se"];
}

/** Whether a panel shows one class at a time. */
function classed({ coefs, groups }) {
  return coefs.outputs > 1 || (groups?.kind === "calibration" && groups.shape[1] > 2);
}

function outputs(story, store) {
  const options = story.classes.map((name, k) => html("option", { value: k }, name));
  const select = html("select", { "aria-label": "Class that is shown" }, ...options);
  select.addEventListener("change", () => store.set({ output: Number(select.value) }));
  return html("label", { class: "output" }, html("small", {}, "class"), select);
}
