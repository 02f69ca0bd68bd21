/** Solve the elastic net of a page's data, as the page does: the JSON of its island on stdin, the solutions on stdout. */

import { readFileSync } from "node:fs";
import { unpack } from "../../../src/taut/report/assets/data.mjs";
import { Live } from "../../../src/taut/report/assets/teaching.mjs";

const { story, mixes } = JSON.parse(readFileSync(0, "utf8"));
const live = new Live(unpack(story));
const solutions = mixes.map((mix) => live.path(mix ?? story.moments.mix).map((w) => Array.from(w)));
process.stdout.write(JSON.stringify(solutions));
