import { createHash } from 'node:crypto'

/**
 * The hand of queues of a flow: which few of the queues its requests may wait in. Two flows rarely have the same hand, so that one which
 * fills its queues leaves others theirs.
 *
 * @param deck how many queues there are
 * @param size how many of them make a hand; not more than `deck`
 * @see KEP-1040, "Shuffle Sharding"
 */
export function dealHand(schema: string, distinguisher: string, deck: number, size: number): number[] {
  let hash = hashOf(schema, distinguisher)
  const remainders: number[] = []
  for (let i = 0; i < size; i++) {
    const left = BigInt(deck - i)
    remainders.push(Number(hash % left))
    hash /= left
  }
  return remainders.map((remainder, i) => {
    let card = remainder
    for (let j = i; j > 0; j--) if (card >= remainders[j - 1]!) card++
    return card
  })
}

const hashOf = (schema: string, distinguisher: string): bigint =>
  createHash('sha256').update(schema).update('\0').update(distinguisher).digest().readBigUInt64LE()
