// SPDX-License-Identifier: GPL-3.0-or-later
// Where a value stands on a slider. Bounds are far apart (0 to 100,000 m), what people want lies close together.

const WIDE = 200;
const WINDOW = 12;
const DEFAULT_AT = 1 / 3;

/**
 * Returns how the values of a field lie on a slider, or null where only a number makes sense.
 *
 * Narrow bounds are covered whole, bent where the default is close to the lower one; of wide bounds a part around the
 * default is shown, evenly in ratios; around `typical` where the default is 0 for "automatic". `toValue` takes 0 to 1, `toPlace` a value; both keep to the slider's ends.
 */
export function scaleOf({ minimum, maximum, default: usual, typical = 0, kind }) {
  if (minimum === null || maximum === null || minimum === undefined || maximum === undefined) return null;
  const finish = kind === "int" ? Math.round : (value) => Number(value.toPrecision(3));
  const clamp = (place) => Math.min(1, Math.max(0, place));
  if (maximum - minimum <= WIDE) {
    const share = (usual - minimum) / (maximum - minimum);
    const bend = share > 0 && share < 0.1 ? Math.log(share) / Math.log(DEFAULT_AT) : 1;
    return {
      toValue: (place) => finish(minimum + (maximum - minimum) * place ** bend),
      toPlace: (value) => clamp((value - minimum) / (maximum - minimum)) ** (1 / bend),
    };
  }
  const middle = typical || usual;
  if (middle <= 0) return null;
  const low = Math.max(minimum, middle / WINDOW);
  const high = Math.min(maximum, middle * WINDOW);
  return {
    toValue: (place) => finish(low * (high / low) ** place),
    toPlace: (value) => (value <= low ? 0 : clamp(Math.log(value / low) / Math.log(high / low))),
  };
}
