/** Texts of doubles in Go's forms, exact to the last digit. */

const special = (value: number): string | undefined => (Number.isNaN(value) ? "NaN" : Number.isFinite(value) ? undefined : value > 0 ? "+Inf" : "-Inf");

interface Digits {
  readonly sign: string;
  /** Shortest digits that read back as the value, the first one before the point. */
  readonly digits: string;
  readonly exponent: number;
}

function shortest(value: number): Digits {
  const [mantissa = "", exponent = "0"] = Math.abs(value).toExponential().split("e");
  return { sign: value < 0 || Object.is(value, -0) ? "-" : "", digits: mantissa.replace(".", ""), exponent: Number(exponent) };
}

const scientific = (sign: string, digits: string, exponent: number): string => {
  const point = digits.length > 1 ? `${digits.slice(0, 1)}.${digits.slice(1)}` : digits;
  return `${sign}${point}e${exponent < 0 ? "-" : "+"}${String(Math.abs(exponent)).padStart(2, "0")}`;
};

function plain({ sign, digits, exponent }: Digits): string {
  if (exponent < 0) {
    return `${sign}0.${"0".repeat(-exponent - 1)}${digits}`;
  }
  const whole = digits.slice(0, exponent + 1).padEnd(exponent + 1, "0");
  return `${sign}${whole}${digits.length > exponent + 1 ? `.${digits.slice(exponent + 1)}` : ""}`;
}

/** As `%g`: with an exponent below 1e-4 and from 1e+06 on. */
export function shortText(value: number): string {
  const parts = shortest(value);
  const usesExponent = parts.exponent < -4 || parts.exponent >= 6;
  return special(value) ?? (usesExponent ? scientific(parts.sign, parts.digits, parts.exponent) : plain(parts));
}

/** Without an exponent, whatever the value. */
export const plainText = (value: number): string => special(value) ?? plain(shortest(value));

/** The value times a power of ten, rounded to the nearest integer, halves to the even one. */
function scaled(value: number, power: number): bigint {
  const [high = 0, low = 0] = new Uint32Array(new Float64Array([value]).buffer).toReversed();
  const biased = (high >>> 20) & 0x7ff;
  const fraction = (BigInt(high & 0xfffff) << 32n) | BigInt(low);
  const mantissa = biased === 0 ? fraction : fraction | (1n << 52n);
  const shift = Math.max(biased, 1) - 1075;
  const numerator = mantissa * 10n ** BigInt(Math.max(power, 0)) * 2n ** BigInt(Math.max(shift, 0));
  const denominator = 10n ** BigInt(Math.max(-power, 0)) * 2n ** BigInt(Math.max(-shift, 0));
  const whole = numerator / denominator;
  const rest = (numerator % denominator) * 2n;
  return rest > denominator || (rest === denominator && whole % 2n === 1n) ? whole + 1n : whole;
}

const signOf = (value: number): string => (value < 0 || Object.is(value, -0) ? "-" : "");

/** As `%.Nf`; for a finite value. */
export function fixedText(value: number, precision: number): string {
  const digits = scaled(value, precision).toString().padStart(precision + 1, "0");
  const point = digits.length - precision;
  return `${signOf(value)}${digits.slice(0, point)}${precision > 0 ? `.${digits.slice(point)}` : ""}`;
}

/** As `%.Ne`; for a finite value. */
export function exponentText(value: number, precision: number): string {
  if (value === 0) {
    return scientific(signOf(value), "0".repeat(precision + 1), 0);
  }
  let { exponent } = shortest(value);
  let digits = scaled(value, precision - exponent).toString();
  if (digits.length !== precision + 1) {
    exponent += digits.length - precision - 1;
    digits = scaled(value, precision - exponent).toString();
  }
  return scientific(signOf(value), digits, exponent);
}
