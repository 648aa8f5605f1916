/**
 * Exact readers of numbers and truth values. Each takes a trimmed, non-empty cell and returns the value, or the reason why it does not fit
 * as a string: what was expected, never the cell itself.
 */

const integerPattern = /^[+-]?\d+(\.0+)?$/
const decimalPattern = /^([+-]?)(\d*)(?:\.(\d*))?(?:[eE]([+-]?\d{1,6}))?$/
const doublePattern = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/

const int64Min = -(2n ** 63n)
const int64Max = 2n ** 63n - 1n
const notInteger = (bits: number): string => `expected an integer of ${bits} bits: digits with an optional sign`
const tooLarge = (bits: number): string => `expected an integer of ${bits} bits: it is too large`

/** A whole number of 32 bits. A fraction of zeros (`3.0`), as SAS exports write it, is taken off; an exponent is not accepted. */
export function parseInt32(text: string): number | string {
  if (!integerPattern.test(text)) return notInteger(32)
  const value = Number(text)
  // The second comparison turns -0 into 0.
  return value >= -2147483648 && value <= 2147483647 ? value + 0 : tooLarge(32)
}

/** A whole number of 64 bits, exact. As `parseInt32` otherwise. */
export function parseInt64(text: string): bigint | string {
  if (!integerPattern.test(text)) return notInteger(64)
  const value = Number(text)
  if (Number.isSafeInteger(value)) return BigInt(value)
  // Spares making a bigint of a cell of millions of digits.
  if (Math.abs(value) > 1e19) return tooLarge(64)
  const point = text.indexOf('.')
  const exact = toBigInt(point < 0 ? text : text.slice(0, point))
  return exact >= int64Min && exact <= int64Max ? exact : tooLarge(64)
}

/**
 * A decimal as its unscaled value (`1.50` at scale 2 is 150n), exact. Digits beyond the scale must be zeros: nothing is rounded.
 * An exponent is accepted and worked out exactly (`1.5e3`).
 */
export function parseDecimal(
  text: string,
  { precision, scale }: { precision: number; scale: number },
): bigint | string {
  const match = decimalPattern.exec(text)
  const whole = match?.[2] ?? ''
  const fraction = match?.[3] ?? ''
  if (!match || whole.length + fraction.length === 0) return `expected a number of decimal(${precision},${scale})`
  const digits = stripLeadingZeros(whole + fraction)
  if (digits === '') return 0n
  /** How many zeros the digits need, or how many of their last ones must be zeros, to count units of the scale. */
  const shift = scale - fraction.length + Number(match[4] ?? 0)
  let unscaled = digits
  if (shift < 0) {
    const kept = Math.max(0, digits.length + shift)
    if (!/^0*$/.test(digits.slice(kept))) return `expected at most ${scale} digits after the point`
    unscaled = digits.slice(0, kept)
  } else if (digits.length + shift <= precision) unscaled = digits + '0'.repeat(shift)
  if (digits.length + shift > precision) return `expected at most ${precision - scale} digits before the point`
  return match[1] === '-' ? -BigInt(unscaled) : BigInt(unscaled)
}

/** The nearest double of a decimal literal. Words (NaN, Infinity), hexadecimal and what is beyond the range of doubles do not fit. */
export function parseDouble(text: string): number | string {
  if (!doublePattern.test(text)) return 'expected a number, with a point as decimal mark'
  const value = Number(text)
  return Number.isFinite(value) ? value : 'expected a number that a double can hold: it is too large'
}

const truths = new Map<string, boolean>()
for (const word of ['true', 't', 'yes', 'y', '1']) truths.set(word, true)
for (const word of ['false', 'f', 'no', 'n', '0']) truths.set(word, false)

/** true/false, t/f, yes/no, y/n or 1/0, without case. */
export function parseBoolean(text: string): boolean | string {
  return (
    (text.length <= 5 ? truths.get(text.toLowerCase()) : undefined) ?? 'expected true/false, t/f, yes/no, y/n or 1/0'
  )
}

/** BigInt() takes a minus sign but no plus sign. */
const toBigInt = (text: string): bigint => BigInt(text.startsWith('+') ? text.slice(1) : text)

function stripLeadingZeros(digits: string): string {
  let start = 0
  while (start < digits.length && digits.charCodeAt(start) === 48) start++
  return start === 0 ? digits : digits.slice(start)
}
