/** A 64-bit float the way Go's `%v` prints it: with an exponent from a million on. */
export function goFloat(value: number): string {
  if (value === 0) return '0'
  const [digits = '', power = ''] = value.toExponential().split('e')
  const exponent = Number(power)
  if (exponent >= -4 && exponent < 6) return String(value)
  return `${digits}e${exponent < 0 ? '-' : '+'}${String(Math.abs(exponent)).padStart(2, '0')}`
}
