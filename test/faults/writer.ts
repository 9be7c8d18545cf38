import assert from 'node:assert/strict'
import { setTimeout as sleep } from 'node:timers/promises'
import { type AdminClient, type Answer, configMap, configMaps } from '../support/client.ts'
import type { History } from './history.ts'

/** A write that a server said was done. */
interface Acknowledged {
  readonly name: string
  readonly value: string
  readonly revision: number
}

/**
 * Creates, updates and deletes a few objects of its own. Every attempt writes a value that no other has, so that what became of it can be
 * told afterwards.
 */
export class Writer {
  readonly acknowledged: Acknowledged[] = []
  /** Attempts whose outcome nobody told. */
  unknown = 0
  readonly #id: number
  readonly #client: () => AdminClient
  #attempts = 0
  #running: Promise<void> | undefined
  #stopped = false

  /** @param client which server the next request goes to */
  constructor(id: number, client: () => AdminClient) {
    this.#id = id
    this.#client = client
  }

  start(): void {
    this.#running = this.#run()
  }

  async stop(): Promise<void> {
    this.#stopped = true
    await this.#running
  }

  async #run(): Promise<void> {
    for (let i = 0; !this.#stopped; i++) {
      const name = `w${this.#id}-${i % 5}`
      const found = await this.#call('GET', `${configMaps}/${name}`)
      if (found?.code === 404) await this.#write('POST', configMaps, name)
      else if (found?.code === 200 && i % 7 === 6) await this.#call('DELETE', `${configMaps}/${name}`)
      else if (found?.code === 200) await this.#write('PUT', `${configMaps}/${name}`, name)
      else await sleep(20)
    }
  }

  async #write(method: string, url: string, name: string): Promise<void> {
    const value = `${this.#id}.${++this.#attempts}`
    const answer = await this.#call(method, url, configMap(name, value))
    if (answer?.code === 200 || answer?.code === 201) {
      this.acknowledged.push({ name, value, revision: Number(answer.json.metadata.resourceVersion) })
    } else this.unknown++
  }

  async #call(method: string, url: string, body?: object): Promise<Answer | undefined> {
    try {
      return await this.#client().call(method, url, body)
    } catch {
      return undefined
    }
  }

  /** That all that was acknowledged did happen, and that nothing happened twice. */
  check({ changes }: History): void {
    const puts = changes.filter(({ type, name }) => type === 'put' && name.startsWith(`w${this.#id}-`))
    const revisions = new Map(puts.map(({ name, value, revision }) => [`${name}=${value}`, revision]))
    assert.equal(revisions.size, puts.length, 'no attempt is carried out twice')
    for (const { name, value, revision } of this.acknowledged) {
      assert.equal(revisions.get(`${name}=${value}`), revision, `acknowledged: ${name}=${value}`)
    }
  }
}
