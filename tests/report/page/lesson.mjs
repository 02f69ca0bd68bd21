/** What the lesson's own functions find for the numbers on stdin. */

import { readFileSync } from "node:fs";
import { backward, forward, step } from "../../../src/taut/report/assets/lesson/model.mjs";

const { params, hidden, rows, labels, how, steps } = JSON.parse(readFileSync(0, "utf8"));
const trained = (proximal) => {
  let now = params;
  for (let k = 0; k < steps; k += 1) now = step(now, hidden, rows, labels, how, proximal);
  return now;
};
process.stdout.write(JSON.stringify({
  ...forward(params, hidden, rows, labels, how), gradient: backward(params, hidden, rows, labels),
  proximal: trained(true), plain: trained(false),
}));
