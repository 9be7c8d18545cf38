import type { Expr, FoldOperation } from './ast.ts'

interface Written {
  readonly name: string
  readonly at: number
  readonly target: Expr | undefined
  readonly args: readonly Expr[]
}

type Report = (at: number, message: string) => void

const NOTHING: Expr = { kind: 'const', at: 0, value: null }

/** Macros over a list or map by name and number of arguments: which of them are variables, which the condition and the result. */
const FOLDS: ReadonlyMap<string, { operation: FoldOperation; variables: number; condition?: number; transform?: number }> =
  new Map([
    ['all/2', { operation: 'all', variables: 1, condition: 1 }],
    ['exists/2', { operation: 'exists', variables: 1, condition: 1 }],
    ['exists_one/2', { operation: 'exists_one', variables: 1, condition: 1 }],
    ['existsOne/2', { operation: 'exists_one', variables: 1, condition: 1 }],
    ['filter/2', { operation: 'filter', variables: 1, condition: 1 }],
    ['map/2', { operation: 'map', variables: 1, transform: 1 }],
    ['map/3', { operation: 'map', variables: 1, condition: 1, transform: 2 }],
    ['all/3', { operation: 'all', variables: 2, condition: 2 }],
    ['exists/3', { operation: 'exists', variables: 2, condition: 2 }],
    ['exists_one/3', { operation: 'exists_one', variables: 2, condition: 2 }],
    ['existsOne/3', { operation: 'exists_one', variables: 2, condition: 2 }],
    ['transformList/3', { operation: 'map', variables: 2, transform: 2 }],
    ['transformList/4', { operation: 'map', variables: 2, condition: 2, transform: 3 }],
    ['transformMap/3', { operation: 'transformMap', variables: 2, transform: 2 }],
    ['transformMap/4', { operation: 'transformMap', variables: 2, condition: 2, transform: 3 }],
    ['transformMapEntry/3', { operation: 'transformMapEntry', variables: 2, transform: 2 }],
    ['transformMapEntry/4', { operation: 'transformMapEntry', variables: 2, condition: 2, transform: 3 }],
  ])

/** The accumulator's name in the reference, which a variable may not have. */
const ACCUMULATORS = ['__result__', '@result']

/**
 * What a call stands for if it is a macro's; undefined if it is a plain call.
 *
 * @param binding whether there is `cel.bind`
 * @see https://github.com/google/cel-spec/blob/master/doc/langdef.md#macros
 */
export function expandMacro(written: Written, report: Report, binding: boolean): Expr | undefined {
  const { name, at, target, args } = written
  if (name === 'has' && !target && args.length === 1) {
    const [field] = args
    if (field?.kind === 'select' && !field.test) return { ...field, at, test: true }
    report(field!.at, 'invalid argument to has() macro')
    return NOTHING
  }
  if (!target) return undefined
  if (name === 'bind' && binding && args.length === 3 && target.kind === 'ident' && target.name === 'cel') {
    const [variable, value, body] = args
    if (variable?.kind === 'ident') return { kind: 'bind', at, variable: variable.name, value: value!, body: body! }
    report(variable!.at, 'cel.bind() variable names must be simple identifiers')
    return NOTHING
  }
  if ((name === 'optMap' || name === 'optFlatMap') && args.length === 2) {
    const [variable, body] = args
    if (variable?.kind !== 'ident') {
      report(variable!.at, `${name}() variable name must be a simple identifier`)
      return NOTHING
    }
    return { kind: 'optmap', at, target, variable: variable.name, body: body!, flat: name === 'optFlatMap' }
  }
  if (name === 'sortBy' && args.length === 2) return sortBy(written as Written & { target: Expr }, report)
  const fold = FOLDS.get(`${name}/${args.length}`)
  if (!fold) return undefined
  const variables = args.slice(0, fold.variables)
  const names: { name: string; at: number }[] = []
  for (const variable of variables) {
    if (variable.kind !== 'ident' || variable.name.startsWith('.')) {
      report(variable.at, 'argument must be a simple name')
      return NOTHING
    }
    if (ACCUMULATORS.includes(variable.name)) {
      report(variable.at, 'iteration variable overwrites accumulator variable')
      return NOTHING
    }
    if (names.some((other) => other.name === variable.name)) {
      report(variable.at, `duplicate variable name: ${variable.name}`)
      return NOTHING
    }
    names.push({ name: variable.name, at: variable.at })
  }
  return {
    kind: 'fold',
    at,
    operation: fold.operation,
    range: target,
    variables: names,
    condition: fold.condition === undefined ? undefined : args[fold.condition],
    transform: fold.transform === undefined ? undefined : args[fold.transform],
  }
}

/** A list sorted by what an expression says of each element: the list beside the list of keys. */
function sortBy({ at, target, args }: Written & { target: Expr }, report: Report): Expr {
  const [variable, key] = args
  if (variable?.kind !== 'ident') {
    report(variable!.at, 'sortBy() variable name must be a simple identifier')
    return NOTHING
  }
  const keys: Expr = {
    kind: 'fold',
    at,
    operation: 'map',
    range: target,
    variables: [{ name: variable.name, at: variable.at }],
    condition: undefined,
    transform: key,
  }
  return { kind: 'call', at, name: '@sortByAssociatedKeys', target, args: [keys] }
}
