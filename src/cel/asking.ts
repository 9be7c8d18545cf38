import type { UserInfo } from '../machinery/user.ts'
import type { Ask, AuthorizationAnswer, AuthorizationQuestion } from './library/authorizer.ts'

/** An expression asked something whose answer takes time. It is evaluated again once the answer is there. */
class Unanswered extends Error {
  override name = 'Unanswered'
  readonly answer: Promise<void>

  constructor(answer: Promise<void>) {
    super('the authorizer has not answered yet')
    this.answer = answer
  }
}

/** Asks the server's authorizers. @param user undefined for the user of the request */
export type Authorize = (
  user: UserInfo | undefined,
  question: AuthorizationQuestion,
) => AuthorizationAnswer | Promise<AuthorizationAnswer>

/** What the expressions of one request asked the authorizer: each question once, however often expressions ask it. */
export class Questions {
  readonly #authorize: Authorize
  readonly #answers = new Map<string, AuthorizationAnswer>()

  constructor(authorize: Authorize) {
    this.#authorize = authorize
  }

  /** For an `AuthorizerValue`. */
  readonly ask: Ask = (user, question) => {
    const key = JSON.stringify([user?.name, question])
    const known = this.#answers.get(key)
    if (known) return known
    const answer = this.#authorize(user, question)
    if (!(answer instanceof Promise)) {
      this.#answers.set(key, answer)
      return answer
    }
    throw new Unanswered(
      answer.then((settled) => {
        this.#answers.set(key, settled)
      }),
    )
  }

  /**
   * Runs what evaluates expressions, again for each answer that took time. A promise only where there was one.
   *
   * @param run has no other effect than its result
   * @throws (or rejects with) what `run` throws, or why there is no answer
   */
  settle<T>(run: () => T): T | Promise<T> {
    try {
      return run()
    } catch (error) {
      if (error instanceof Unanswered) return error.answer.then(() => this.settle(run))
      throw error
    }
  }
}
