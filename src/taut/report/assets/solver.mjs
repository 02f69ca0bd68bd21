/**
 * The elastic net, solved from second moments: standardised x and y, their correlations G (p × p) and c (p).
 *
 *     F(w) = 1 − 2cᵀw + wᵀGw + λ(ρ Σ|w| + (1 − ρ)/2 Σw²)
 *
 * Coordinate descent finds which coefficients are not zero and their signs; with those the minimum is a linear system,
 * solved directly, and taken where it keeps the signs and no other coefficient wants to move.
 */

const SWEEPS = 20; // of coordinate descent before each attempt at the linear system
const ROUNDS = 50;
const STILL = 1e-13; // a sweep that moves no coefficient by more has converged
const SLACK_KKT = 1e-10;

export class ElasticNet {
  /** `moments`: (p + 1)² numbers, the last row and column those of y. */
  constructor(moments, p) {
    this.p = p;
    this.G = new Float64Array(p * p);
    this.c = new Float64Array(p);
    for (let i = 0; i < p; i += 1) {
      this.G.set(moments.subarray(i * (p + 1), i * (p + 1) + p), i * p);
      this.c[i] = moments[i * (p + 1) + p];
    }
    this.yy = moments[(p + 1) * (p + 1) - 1];
  }

  /** The minimum at one λ and mix ρ, from a start that is left as it is. */
  solve(lam, mix, start = new Float64Array(this.p)) {
    const point = { w: Float64Array.from(start), q: this.times(start) };
    const strengths = [(lam * mix) / 2, (lam * (1 - mix)) / 2];
    for (let round = 0; round < ROUNDS; round += 1) {
      let moved = 0;
      for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
        moved = this.sweep(point, strengths);
        if (moved < STILL) break;
      }
      const exact = this.polish(point.w, strengths);
      if (exact) return exact;
      if (moved < STILL) break;
    }
    return point.w;
  }

  /** One pass over the coordinates; the largest step. */
  sweep({ w, q }, [l1, l2]) {
    let largest = 0;
    for (let j = 0; j < this.p; j += 1) {
      const own = this.G[j * this.p + j];
      if (own <= 0) continue;
      const pull = this.c[j] - q[j] + own * w[j];
      const size = Math.abs(pull) - l1;
      const next = size > 0 ? (Math.sign(pull) * size) / (own + l2) : 0;
      const step = next - w[j];
      if (step === 0) continue;
      for (let k = 0; k < this.p; k += 1) q[k] += step * this.G[j * this.p + k];
      w[j] = next;
      largest = Math.max(largest, Math.abs(step));
    }
    return largest;
  }

  /** The minimum among coefficients with the signs of `w`, or null where it is not the minimum of F. */
  polish(w, [l1, l2]) {
    const active = [];
    w.forEach((value, j) => value !== 0 && active.push(j));
    const m = active.length;
    const A = active.map((i) => Float64Array.from(active, (j) => this.G[i * this.p + j] + (i === j ? l2 : 0)));
    const b = Float64Array.from(active, (j) => this.c[j] - l1 * Math.sign(w[j]));
    const found = choleskySolve(A, b, m);
    if (!found || found.some((value, k) => l1 > 0 && value * w[active[k]] <= 0)) return null;
    const whole = new Float64Array(this.p);
    active.forEach((j, k) => (whole[j] = found[k]));
    const q = this.times(whole);
    const idle = (j) => whole[j] !== 0 || this.G[j * this.p + j] <= 0 || Math.abs(this.c[j] - q[j]) <= l1 + SLACK_KKT;
    return whole.every((_, j) => idle(j)) ? whole : null;
  }

  /** G w. */
  times(w) {
    const q = new Float64Array(this.p);
    for (let j = 0; j < this.p; j += 1) {
      if (w[j] === 0) continue;
      for (let k = 0; k < this.p; k += 1) q[k] += w[j] * this.G[j * this.p + k];
    }
    return q;
  }

  /** The solutions at descending strengths, each from the one before. */
  path(lambdas, mix) {
    let w = new Float64Array(this.p);
    return lambdas.map((lam) => (w = this.solve(lam, mix, w)));
  }

  /** The two terms of F, and the duality gap relative to the null model (whose loss is the variance of y). */
  value(w, lam, mix) {
    const q = this.times(w);
    let [cw, quadratic, l1, l2, largest, dualPenalty] = [0, 0, 0, 0, 0, 0];
    for (let j = 0; j < this.p; j += 1) {
      cw += this.c[j] * w[j];
      quadratic += w[j] * q[j];
      l1 += Math.abs(w[j]);
      l2 += w[j] * w[j];
      largest = Math.max(largest, Math.abs(2 * (this.c[j] - q[j])));
    }
    const data = this.yy - 2 * cw + quadratic;
    const penalty = lam * (mix * l1 + ((1 - mix) / 2) * l2);
    const bound = lam * mix;
    const ridge = 2 * lam * (1 - mix);
    const shrink = ridge > 0 || largest <= bound ? 1 : bound / largest;
    for (let j = 0; ridge > 0 && j < this.p; j += 1) {
      dualPenalty += Math.max(0, Math.abs(2 * (this.c[j] - q[j])) - bound) ** 2 / ridge;
    }
    const dual = 2 * shrink * (this.yy - cw) - shrink * shrink * data - dualPenalty;
    return { data, penalty, gap: Math.max(0, data + penalty - dual) / this.yy };
  }
}

/** x of A x = b for a symmetric, positive definite A (rows as arrays, overwritten); null where it is not definite. */
export function choleskySolve(A, b, m) {
  for (let i = 0; i < m; i += 1) {
    for (let j = 0; j <= i; j += 1) {
      let sum = A[i][j];
      for (let k = 0; k < j; k += 1) sum -= A[i][k] * A[j][k];
      if (i === j && !(sum > 1e-12)) return null;
      A[i][j] = i === j ? Math.sqrt(sum) : sum / A[j][j];
    }
  }
  const x = Float64Array.from(b);
  for (let i = 0; i < m; i += 1) {
    for (let k = 0; k < i; k += 1) x[i] -= A[i][k] * x[k];
    x[i] /= A[i][i];
  }
  for (let i = m - 1; i >= 0; i -= 1) {
    for (let k = i + 1; k < m; k += 1) x[i] -= A[k][i] * x[k];
    x[i] /= A[i][i];
  }
  return x;
}
