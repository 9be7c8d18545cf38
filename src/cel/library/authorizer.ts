import { type FieldRequirement, parseFieldSelector } from '../../machinery/field-selector.ts'
import { parseLabelSelector } from '../../machinery/label-selector.ts'
import { nameIsDnsLabel, nameIsDnsSubdomain } from '../../machinery/metadata-validation.ts'
import type { UserInfo } from '../../machinery/user.ts'
import { EvaluationError } from '../errors.ts'
import { type CallCost, declare, type Overload } from '../functions.ts'
import { opaqueType, type Type } from '../types.ts'
import { Special, type Value } from '../values.ts'

/** What an expression asks the authorizer: everything that it didn't name is empty. */
export interface AuthorizationQuestion {
  readonly isResource: boolean
  readonly path: string
  readonly verb: string
  readonly apiGroup: string
  readonly apiVersion: string
  readonly resource: string
  readonly subresource: string
  readonly name: string
  readonly namespace: string
  readonly fieldSelector?: readonly { key: string; operator: string; values: readonly string[] }[]
  readonly labelSelector?: readonly { key: string; operator: string; values: readonly string[] }[]
}

export interface AuthorizationAnswer {
  readonly allowed: boolean
  readonly reason: string
  /** What went wrong; undefined when nothing did. */
  readonly error?: string
}

/** Asks the server's authorizers; undefined for the user of the request. May throw `Pending` for an answer that takes time. */
export type Ask = (user: UserInfo | undefined, question: AuthorizationQuestion) => AuthorizationAnswer

const opaque = (name: string): Type => opaqueType(`kubernetes.authorization.${name}`)

export const AUTHORIZER: Type = opaque('Authorizer')
export const RESOURCE_CHECK: Type = opaque('ResourceCheck')
const PATH_CHECK = opaque('PathCheck')
const GROUP_CHECK = opaque('GroupCheck')
const DECISION = opaque('Decision')

/** None of these has fields, and each is only itself. */
abstract class Receiver extends Special {
  equals(other: Value): boolean {
    return other === this
  }
}

export class AuthorizerValue extends Receiver {
  readonly ask: Ask
  readonly user: UserInfo | undefined

  constructor(ask: Ask, user?: UserInfo) {
    super()
    this.ask = ask
    this.user = user
  }

  get type(): Type {
    return AUTHORIZER
  }
}

/** What is named so far of a question. */
class Check extends Receiver {
  readonly type: Type
  readonly authorizer: AuthorizerValue
  readonly question: Partial<AuthorizationQuestion>
  readonly fieldSelector: string
  readonly labelSelector: string

  constructor(
    type: Type,
    authorizer: AuthorizerValue,
    question: Partial<AuthorizationQuestion>,
    fieldSelector = '',
    labelSelector = '',
  ) {
    super()
    this.type = type
    this.authorizer = authorizer
    this.question = question
    this.fieldSelector = fieldSelector
    this.labelSelector = labelSelector
  }

  with(more: Partial<AuthorizationQuestion>, type: Type = this.type): Check {
    return new Check(type, this.authorizer, { ...this.question, ...more }, this.fieldSelector, this.labelSelector)
  }
}

class Decision extends Receiver {
  readonly answer: AuthorizationAnswer

  constructor(answer: AuthorizationAnswer) {
    super()
    this.answer = answer
  }

  get type(): Type {
    return DECISION
  }
}

/** The check of the resource that a request is about. */
export const resourceCheck = (authorizer: AuthorizerValue, question: Partial<AuthorizationQuestion>): Value =>
  new Check(RESOURCE_CHECK, authorizer, question)

const EMPTY: AuthorizationQuestion = {
  isResource: false,
  path: '',
  verb: '',
  apiGroup: '',
  apiVersion: '',
  resource: '',
  subresource: '',
  name: '',
  namespace: '',
}

function check(asked: Check, verb: string): Decision {
  const { authorizer, question, fieldSelector, labelSelector } = asked
  if (asked.type === PATH_CHECK) return new Decision(authorizer.ask(authorizer.user, { ...EMPTY, ...question, verb }))
  const selectors = {
    ...requirements('fieldSelector', fieldSelector, () => parseFieldSelector(fieldSelector).requirements.map(fieldRequirement)),
    ...requirements('labelSelector', labelSelector, () =>
      parseLabelSelector(labelSelector).requirements.map(({ key, operator, values }) => ({
        key,
        operator: LABEL_OPERATORS[operator] ?? operator,
        values,
      })),
    ),
  }
  return new Decision(
    authorizer.ask(authorizer.user, { ...EMPTY, isResource: true, apiVersion: '*', ...question, ...selectors, verb }),
  )
}

const LABEL_OPERATORS: Readonly<Record<string, string>> = {
  '=': 'In',
  '==': 'In',
  in: 'In',
  '!=': 'NotIn',
  notin: 'NotIn',
  exists: 'Exists',
  '!': 'DoesNotExist',
}

const fieldRequirement = ({ field, operator, value }: FieldRequirement) => ({
  key: field,
  operator: operator === '!=' ? 'NotIn' : 'In',
  values: [value],
})

/** A selector that can't be read doesn't narrow anything. */
function requirements<T>(name: string, text: string, parse: () => T): Record<string, T> {
  if (text === '') return {}
  try {
    return { [name]: parse() }
  } catch {
    return {}
  }
}

function named<T extends Value>(what: string, text: string, make: () => T): T {
  if (text.trim() === '') throw new EvaluationError(`${what} must not be empty`)
  return make()
}

function serviceAccount({ ask }: AuthorizerValue, namespace: string, name: string): AuthorizerValue {
  if (nameIsDnsSubdomain(name, false).length) throw new EvaluationError('Invalid service account name')
  if (nameIsDnsLabel(namespace, false).length) throw new EvaluationError('Invalid service account namespace')
  return new AuthorizerValue(ask, {
    name: `system:serviceaccount:${namespace}:${name}`,
    uid: '',
    groups: ['system:serviceaccounts', `system:serviceaccounts:${namespace}`],
    extra: {},
  })
}

/** So that an expression can ask twice, and not more often. */
const checkCost: CallCost = () => 350_000

const P = 'kubernetes.authorization.'

/** Asking the authorizer. */
export const authorization: readonly Overload[] = [
  declare(`${P}Authorizer::path(string): ${P}PathCheck`, (a: AuthorizerValue, path: string) =>
    named('path', path, () => new Check(PATH_CHECK, a, { path })),
  ),
  declare(
    `${P}Authorizer::group(string): ${P}GroupCheck`,
    (a: AuthorizerValue, apiGroup: string) => new Check(GROUP_CHECK, a, { apiGroup }),
  ),
  declare(`${P}Authorizer::serviceAccount(string, string): ${P}Authorizer`, serviceAccount),
  declare(`${P}GroupCheck::resource(string): ${P}ResourceCheck`, (c: Check, resource: string) =>
    named('resource', resource, () => c.with({ resource }, RESOURCE_CHECK)),
  ),
  declare(`${P}ResourceCheck::subresource(string): ${P}ResourceCheck`, (c: Check, subresource: string) =>
    c.with({ subresource }),
  ),
  declare(`${P}ResourceCheck::namespace(string): ${P}ResourceCheck`, (c: Check, namespace: string) => c.with({ namespace })),
  declare(`${P}ResourceCheck::name(string): ${P}ResourceCheck`, (c: Check, name: string) => c.with({ name })),
  declare(
    `${P}ResourceCheck::fieldSelector(string): ${P}ResourceCheck`,
    (c: Check, text: string) => new Check(c.type, c.authorizer, c.question, text, c.labelSelector),
  ),
  declare(
    `${P}ResourceCheck::labelSelector(string): ${P}ResourceCheck`,
    (c: Check, text: string) => new Check(c.type, c.authorizer, c.question, c.fieldSelector, text),
  ),
  declare(`${P}PathCheck::check(string): ${P}Decision`, check, { cost: checkCost }),
  declare(`${P}ResourceCheck::check(string): ${P}Decision`, check, { cost: checkCost }),
  declare(`${P}Decision::allowed(): bool`, ({ answer }: Decision) => answer.allowed),
  declare(`${P}Decision::reason(): string`, ({ answer }: Decision) => answer.reason),
  declare(`${P}Decision::errored(): bool`, ({ answer }: Decision) => answer.error !== undefined),
  declare(`${P}Decision::error(): string`, ({ answer }: Decision) => answer.error ?? ''),
]
