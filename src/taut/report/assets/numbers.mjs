/** Numbers as a reader wants them: thousands apart, rounded where their error begins. The terminal writes them alike. */

const THIN = "\u202f";
export const MINUS = "\u2212";
export const NONE = "–";

/** How many decimals show `digits` significant digits of `value`. */
export function decimalsFor(value, digits) {
  if (value === 0 || !Number.isFinite(value)) return digits - 1;
  return digits - 1 - Math.floor(Math.log10(Math.abs(value)));
}

/** The number with thin blanks between its thousands; negative `decimals` round before the point. */
export function grouped(value, decimals = 0) {
  if (value === null || !Number.isFinite(value)) return NONE;
  const unit = 10 ** Math.max(0, -decimals);
  const rounded = decimals < 0 ? Math.round(value / unit) * unit : value;
  const text = Math.abs(rounded).toFixed(Math.min(20, Math.max(0, decimals)));
  const [whole, part] = text.split(".");
  const apart = whole.replace(/\B(?=(\d{3})+$)/g, THIN);
  const sign = rounded < 0 && Number(text) !== 0 ? MINUS : "";
  return sign + apart + (part ? `.${part}` : "");
}

/** The number to `digits` significant digits; in powers of ten where it is very small or very large. */
export function significant(value, digits = 3) {
  if (value === null || !Number.isFinite(value)) return NONE;
  const size = Math.abs(value);
  if (size !== 0 && (size < 1e-4 || size >= 1e7)) {
    const [mantissa, power] = value.toExponential(digits - 1).split("e");
    return `${mantissa}e${power[0]}${power.slice(1).padStart(2, "0")}`.replace(/-/g, MINUS);
  }
  return grouped(value, decimalsFor(value, digits));
}

/** `significant` with its sign; an exact zero has none. */
export function signed(value, digits = 3) {
  return value > 0 ? `+${significant(value, digits)}` : significant(value, digits);
}

/** `value ± error`, both to two significant digits of the error. */
export function withError(value, error) {
  if (error === null || !Number.isFinite(error) || error <= 0) return significant(value, 4);
  const decimals = decimalsFor(error, 2);
  return `${grouped(value, decimals)} ± ${grouped(error, decimals)}`;
}

/** A share as a percentage. */
export function percent(share, decimals = 1) {
  return share === null || !Number.isFinite(share) ? NONE : `${grouped(100 * share + 0, decimals)}${THIN}%`;
}

/** A count with its noun in the right number. */
export function counted(count, noun) {
  return `${grouped(count)} ${noun}${count === 1 ? "" : "s"}`;
}
