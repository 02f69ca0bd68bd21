/** Which panels a story has: each is shown where the fit carries its numbers. */

import { diagramPanel } from "./diagram.mjs";
import { featuresPanel } from "./features.mjs";
import { groupsPanel } from "./groups.mjs";
import { leastPlace, linesPanel } from "./lines.mjs";
import { networkPanels } from "./network.mjs";
import { grouped, percent, significant, signed, withError } from "./numbers.mjs";
import { stabilityPanel } from "./stability.mjs";
import { tablePanel } from "./table.mjs";
import { teachingPanels } from "./teaching.mjs";
import { testPanel } from "./tests.mjs";

/** The panels, in the order of the page; `compact` keeps those that a notebook's cell has room for. */
export function panelsOf(story, store, compact) {
  const first = [coefficients(story, store), ...(story.scores ? [scores(story, store)] : [])];
  const table = tablePanel(story, store);
  if (compact) return [...first, table];
  const some = (there, make) => (there ? [make(story, store)] : []);
  return [
    ...first,
    ...some(story.network, diagramPanel),
    losses(story, store),
    counts(story, store),
    explained(story, store),
    ...some(story.tradeoff, tradeoff),
    table,
    ...some(story.uses, stabilityPanel),
    ...some(story.test, testPanel),
    ...some(story.groups, groupsPanel),
    ...(story.moments ? teachingPanels(story, store) : []),
    ...(story.network ? networkPanels(story, store) : []),
  ];
}

function coefficients(story, store) {
  const network = story.kind === "network";
  const { coefs, units } = story;
  const output = () => store.state.output;
  const tell = (j, i) => {
    const value = coefs.at(j, output(), i);
    if (value === 0) return "exactly zero at this λ";
    return network ? significant(value) : `${signed(value)} per sd${units ? `, ${signed(value * units[j][output()])} per unit` : ""}`;
  };
  return featuresPanel(story, store, {
    id: "path",
    title: network ? "What each input sends in" : "The coefficients along λ",
    words: network ? "Norms of each input's weights; where a line reaches zero, the input is out." : "As the penalty weakens, features enter one by one; where a line leaves zero, it enters.",
    label: story.coefLabel,
    value: (j, i) => coefs.at(j, output(), i),
    say: tell,
  });
}

function scores(story, store) {
  const { mean, error, folds, label, name } = story.scores;
  const shift = (sign) => mean.map((value, i) => (value === null || error[i] === null ? null : value + sign * error[i]));
  return linesPanel(story, store, {
    id: "scores",
    title: "Cross-validation",
    words: `Error on rows held out, mean of ${folds} folds and its standard error; lower is better.`,
    label,
    curves: [{ name: `CV ${name}`, key: "c0", values: mean, judged: story.marks.min ?? story.marks.chosen ?? 0, band: [shift(-1), shift(1)], say: (i) => withError(mean[i], error[i]) }],
  });
}

function losses(story, store) {
  const { data, penalty, label } = story.loss;
  const total = data.map((value, i) => value + penalty[i]);
  const held = story.scores?.loss;
  const say = (values) => (i) => significant(values[i], 3);
  return linesPanel(story, store, {
    id: "losses",
    title: held ? "Training against validation" : "Loss and penalty",
    words: held
      ? "What is minimised, data loss and penalty stacked, and the loss on held-out rows: the gap is what fitting too well costs."
      : "What is minimised: data loss and penalty, stacked.",
    label,
    zero: true,
    curves: [
      { name: "training", key: "c0", values: data, over: null, say: say(data) },
      { name: "+ penalty", key: "c4", values: total, over: "training", say: say(penalty) },
      ...(held ? [{ name: "validation", key: "c1", values: held, judged: leastPlace(held), say: say(held) }] : []),
    ],
  });
}

function counts(story, store) {
  const network = story.kind === "network";
  return linesPanel(story, store, {
    id: "counts",
    title: network ? "Weights that are not zero" : "How many features are kept",
    words: network ? "How many weights are not exactly zero." : `How many of the ${story.total} features have a coefficient that is not exactly zero.`,
    label: network ? "weights" : "features",
    zero: true,
    curves: [{ name: "kept", key: "c2", values: story.nonzeros, say: (i) => grouped(story.nonzeros[i]) }],
  });
}

function explained(story, store) {
  return linesPanel(story, store, {
    id: "explained",
    title: "Explained",
    words: "Share of the deviance (squared error: of the variance) explained on the training rows.",
    label: "share explained",
    format: (value) => percent(value, 0),
    zero: true,
    curves: [{ name: "training rows", key: "c2", values: story.explained, say: (i) => percent(story.explained[i]) }],
  });
}

function tradeoff(story, store) {
  const { variance, bias, error, label, fits, rows } = story.tradeoff;
  const total = bias.map((value, i) => value + variance[i]);
  const say = (values) => (i) => significant(values[i], 3);
  return linesPanel(story, store, {
    id: "tradeoff",
    title: "Bias and variance, measured",
    words: `${fits} bootstrap fits judged on the ${grouped(rows)} rows that they did not draw: error = (bias² + noise) + variance.`,
    label,
    zero: true,
    wide: true,
    curves: [
      { name: "bias² + noise", key: "c3", values: bias, over: null, say: say(bias) },
      { name: "+ variance", key: "c5", values: total, over: "bias² + noise", say: say(variance) },
      { name: "out-of-bag error", key: "c1", values: error, judged: leastPlace(error), say: say(error) },
    ],
  });
}
