import { visit } from './ast.ts'
import { Checker, type Declarations } from './checker.ts'
import { CompileError } from './errors.ts'
import type { Overload } from './functions.ts'
import { literalIssues } from './literal-checks.ts'
import { parse } from './parser.ts'
import { Planner } from './planner.ts'
import { Program } from './program.ts'
import {
  BOOL,
  BYTES,
  DOUBLE,
  DURATION,
  DYN,
  INT,
  listType,
  mapType,
  NULL,
  STRING,
  TIMESTAMP,
  type Type,
  typeType,
  UINT,
} from './types.ts'

export interface EnvironmentOptions {
  /** The functions that expressions can call. */
  readonly functions: readonly Overload[]
  readonly variables?: Readonly<Record<string, Type>>
  /** Types that expressions can name, by their names; a function where the names can't be listed. */
  readonly types?: Readonly<Record<string, Type>> | ((name: string) => Type | undefined)
  /** Whether there is `cel.bind`. */
  readonly binding?: boolean
}

/** The types that every expression can speak of. */
const STANDARD_TYPES: ReadonlyMap<string, Type> = new Map<string, Type>([
  ['bool', BOOL],
  ['int', INT],
  ['uint', UINT],
  ['double', DOUBLE],
  ['string', STRING],
  ['bytes', BYTES],
  ['list', listType(DYN)],
  ['map', mapType(DYN, DYN)],
  ['null_type', NULL],
  ['type', typeType()],
  ['google.protobuf.Timestamp', TIMESTAMP],
  ['google.protobuf.Duration', DURATION],
])

/** What expressions of one kind can name. Immutable: one serves any number of expressions. */
export class Environment implements Declarations {
  readonly #functions: ReadonlyMap<string, readonly Overload[]>
  readonly #variables: ReadonlyMap<string, Type>
  readonly #types: (name: string) => Type | undefined
  readonly #binding: boolean

  constructor({ functions, variables = {}, types = {}, binding = false }: EnvironmentOptions) {
    this.#binding = binding
    this.#functions = Map.groupBy(functions, ({ name }) => name)
    this.#variables = new Map(Object.entries(variables))
    const listed = typeof types === 'function' ? undefined : new Map(Object.entries(types))
    this.#types = listed ? (name) => listed.get(name) : (types as (name: string) => Type | undefined)
  }

  /** The same with more: variables and types hide others of their names. */
  extend({ functions = [], variables = {}, types = {}, binding = this.#binding }: Partial<EnvironmentOptions>): Environment {
    const more = typeof types === 'function' ? types : (name: string) => (Object.hasOwn(types, name) ? types[name] : undefined)
    return new Environment({
      binding,
      functions: [...[...this.#functions.values()].flat(), ...functions],
      variables: { ...Object.fromEntries(this.#variables), ...variables },
      types: (name) => more(name) ?? this.#types(name),
    })
  }

  variable(name: string): Type | undefined {
    return this.#variables.get(name)
  }

  overloads(name: string): readonly Overload[] | undefined {
    return this.#functions.get(name)
  }

  named(name: string): Type | undefined {
    return STANDARD_TYPES.get(name) ?? this.#types(name)
  }

  /**
   * Reads an expression, checks its types and makes it ready to run.
   *
   * @throws CompileError whose message is what the reference prints after `compilation failed: `
   */
  compile(source: string): Program {
    const expr = parse(source, this.#binding)
    const checker = new Checker(this)
    const type = checker.check(expr)
    if (checker.issues.length) throw new CompileError(source, checker.issues)
    visit(expr, (part) => {
      part.type &&= checker.settled(part.type)
    })
    const issues = literalIssues(expr)
    if (issues.length) throw new CompileError(source, issues)
    const planner = new Planner(this)
    const step = planner.plan(expr)
    return new Program({ source, expr, type, step, globals: planner.globals, slots: planner.slots })
  }
}
