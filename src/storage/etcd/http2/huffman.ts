/**
 * How many bits each byte has in HPACK's Huffman code (RFC 7541, appendix B), as a digit to base 36. The code is canonical: the bits follow
 * from the lengths.
 */
const LENGTHS =
  'dnsssssssoussussssssssusssssssss6aacd68baa8b8666555666666678f6ca' +
  'd67777777777777777777777878djde6f56565666577666567655677777fbeds' +
  'kmkkmmmnmnnnnnonoomnonnnnlmnmnnomlkmmnnlnmmolmnnllmlnmnnkmmmnmmn' +
  'qqkjmnmpqqqrrqopjlqrrqrollqqsrrrkoklmllnmmppooqnqrqqrrrrrsrrrrrq'

const LONGEST = 30
/** What fills up the last byte: no more bits than these, all of them 1. */
const MOST_PADDING = 7

interface Code {
  /** The first code of each length, the codes being numbers. */
  readonly first: readonly number[]
  /** The bytes that have a code of each length, in the order of their codes. */
  readonly bytes: readonly (readonly number[])[]
}

const CODE = canonicalCode()

function canonicalCode(): Code {
  const bytes: number[][] = Array.from({ length: LONGEST + 1 }, () => [])
  for (let byte = 0; byte < LENGTHS.length; byte++) bytes[Number.parseInt(LENGTHS[byte]!, 36)]!.push(byte)
  const first: number[] = [0]
  for (let length = 1; length <= LONGEST; length++) first[length] = (first[length - 1]! + (bytes[length - 1]?.length ?? 0)) * 2
  return { first, bytes }
}

/** Decodes a text in HPACK's Huffman code, each byte becoming one character. @throws Error */
export function decodeHuffman(input: Buffer, start: number, end: number): string {
  const { first, bytes } = CODE
  let text = ''
  let code = 0
  let length = 0
  for (let at = start; at < end; at++) {
    for (let bit = 7; bit >= 0; bit--) {
      code = code * 2 + ((input[at]! >> bit) & 1)
      if (++length > LONGEST) throw new Error('a header has no valid code')
      const byte = bytes[length]![code - first[length]!]
      if (byte === undefined) continue
      text += String.fromCharCode(byte)
      code = 0
      length = 0
    }
  }
  if (length > MOST_PADDING || code !== 2 ** length - 1) throw new Error('a header ends within a code')
  return text
}
