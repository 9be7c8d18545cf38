import type { Program } from '../../cel/program.ts'
import type { ConfigReader } from '../../machinery/config-reader.ts'
import { duplicate, invalid, required } from '../../machinery/field-errors.ts'
import type { JsonObject } from '../../machinery/json.ts'
import { isDomainPrefixedPath } from '../../machinery/validation.ts'
import type { ClaimMapping, OidcConfig } from './config.ts'
import { compileExpression, type Rule } from './expressions.ts'

type Mappings = Pick<OidcConfig, 'username' | 'groups' | 'uidClaim' | 'requiredClaims' | 'expressions'>

/** Reads what one issuer's entry says of its users: mappings and rules, by claims or by expressions. */
export function readMappings(reader: ConfigReader, entry: JsonObject, path: string): Mappings {
  const rules = claimRules(reader, entry, `${path}.claimValidationRules`)
  const at = `${path}.claimMappings`
  const mappings = reader.object(entry, 'claimMappings', path)
  reader.known(mappings, at, ['username', 'groups', 'uid', 'extra'])
  const username = mapping(reader, mappings, 'username', at)
  const groups = mapping(reader, mappings, 'groups', at)
  const uid = uidMapping(reader, mappings, at)
  const extra = extraMappings(reader, mappings, `${at}.extra`)
  const programs = [username.program, ...extra.map(({ program }) => program), ...rules.rules.map(({ program }) => program)]
  // An address that nobody verified could be anybody's.
  if (username.program?.selects('email', 'claims') && !programs.some((program) => program?.selects('email_verified', 'claims')))
    reader.errors.push(
      invalid(
        `${at}.username.expression`,
        username.program.source,
        'claims.email_verified must be used in claimMappings.username.expression or claimMappings.extra[*].valueExpression or claimValidationRules[*].expression when claims.email is used in claimMappings.username.expression',
      ),
    )
  return {
    username: username.claim ?? { claim: '', prefix: '' },
    groups: groups.claim,
    uidClaim: uid.claim,
    requiredClaims: rules.required,
    expressions: {
      username: username.program,
      groups: groups.program,
      uid: uid.program,
      extra,
      claimRules: rules.rules,
      userRules: userRules(reader, entry, `${path}.userValidationRules`),
    },
  }
}

/** Reports what is wrong with an expression, if anything is. */
function compiled(
  reader: ConfigReader,
  expression: string,
  field: string,
  over: 'claims' | 'user',
  rule: boolean,
): Program | undefined {
  const program = compileExpression(expression, over, rule)
  if (typeof program !== 'string') return program
  reader.errors.push(invalid(field, expression, program))
  return undefined
}

function mapping(
  reader: ConfigReader,
  mappings: JsonObject,
  name: 'username' | 'groups',
  parent: string,
): { claim?: ClaimMapping; program?: Program } {
  const at = `${parent}.${name}`
  const given = reader.object(mappings, name, parent)
  reader.known(given, at, ['claim', 'prefix', 'expression'])
  const claim = reader.text(given, 'claim', at)
  const expression = reader.text(given, 'expression', at)
  const prefix = reader.text(given, 'prefix', at)
  const hasPrefix = given.prefix !== undefined && given.prefix !== null
  if (claim !== '' && expression !== '') {
    reader.errors.push(invalid(at, '', "claim and expression can't both be set"))
  } else if (expression !== '') {
    if (hasPrefix) reader.errors.push(invalid(`${at}.prefix`, prefix, 'may not be specified when expression is set'))
    const program = compiled(reader, expression, `${at}.expression`, 'claims', false)
    if (program) return { program }
  } else if (claim !== '') {
    if (!hasPrefix)
      reader.errors.push(
        required(`${at}.prefix`, 'prefix is required when claim is set. It can be set to an empty string to disable prefixing'),
      )
    return { claim: { claim, prefix } }
  } else if (name === 'username') reader.errors.push(required(at, 'claim or expression is required'))
  return {}
}

function uidMapping(reader: ConfigReader, mappings: JsonObject, parent: string): { claim: string; program: Program | undefined } {
  const at = `${parent}.uid`
  const given = reader.object(mappings, 'uid', parent)
  reader.known(given, at, ['claim', 'expression'])
  const claim = reader.text(given, 'claim', at)
  const expression = reader.text(given, 'expression', at)
  if (claim !== '' && expression !== '') reader.errors.push(invalid(at, '', "claim and expression can't both be set"))
  const program = expression && !claim ? compiled(reader, expression, `${at}.expression`, 'claims', false) : undefined
  return { claim, program }
}

function extraMappings(reader: ConfigReader, mappings: JsonObject, at: string): { key: string; program: Program }[] {
  const seen = new Set<string>()
  return reader.list(mappings, 'extra', at.slice(0, at.lastIndexOf('.'))).flatMap((entry, i) => {
    const path = `${at}[${i}]`
    reader.known(entry, path, ['key', 'valueExpression'])
    const key = reader.text(entry, 'key', path)
    const field = `${path}.key`
    reader.errors.push(...isDomainPrefixedPath(field, key))
    if (key !== key.toLowerCase()) reader.errors.push(invalid(field, key, 'must be lowercase'))
    if (/^(?:[^/]*\.)?(?:kubernetes|k8s)\.io\//.test(key))
      reader.errors.push(invalid(field, key, 'k8s.io, kubernetes.io and their subdomains are reserved for Kubernetes use'))
    if (seen.has(key)) {
      reader.errors.push(duplicate(field, key))
      return []
    }
    seen.add(key)
    const expression = reader.text(entry, 'valueExpression', path)
    if (expression === '') {
      reader.errors.push(required(`${path}.valueExpression`))
      return []
    }
    const program = compiled(reader, expression, `${path}.valueExpression`, 'claims', false)
    return program ? [{ key, program }] : []
  })
}

function claimRules(reader: ConfigReader, entry: JsonObject, at: string): { required: Record<string, string>; rules: Rule[] } {
  const found: Record<string, string> = {}
  const rules: Rule[] = []
  const seen = new Set<string>()
  reader.list(entry, 'claimValidationRules', at.slice(0, at.lastIndexOf('.'))).forEach((given, i) => {
    const path = `${at}[${i}]`
    reader.known(given, path, ['claim', 'requiredValue', 'expression', 'message'])
    const [claim, requiredValue, expression, message] = ['claim', 'requiredValue', 'expression', 'message'].map((name) =>
      reader.text(given, name, path),
    ) as [string, string, string, string]
    if (claim !== '' && expression !== '') {
      reader.errors.push(invalid(path, claim, "claim and expression can't both be set"))
    } else if (claim !== '') {
      if (message !== '') reader.errors.push(invalid(`${path}.message`, message, 'may not be specified when claim is set'))
      if (Object.hasOwn(found, claim)) reader.errors.push(duplicate(`${path}.claim`, claim))
      found[claim] = requiredValue
    } else if (expression !== '') {
      if (requiredValue !== '')
        reader.errors.push(invalid(`${path}.requiredValue`, requiredValue, 'may not be specified when expression is set'))
      if (seen.has(expression)) reader.errors.push(duplicate(`${path}.expression`, expression))
      else {
        const program = compiled(reader, expression, `${path}.expression`, 'claims', true)
        if (program) rules.push({ program, message })
      }
      seen.add(expression)
    } else reader.errors.push(required(path, 'claim or expression is required'))
  })
  return { required: found, rules }
}

function userRules(reader: ConfigReader, entry: JsonObject, at: string): Rule[] {
  const seen = new Set<string>()
  return reader.list(entry, 'userValidationRules', at.slice(0, at.lastIndexOf('.'))).flatMap((given, i) => {
    const path = `${at}[${i}]`
    reader.known(given, path, ['expression', 'message'])
    const expression = reader.text(given, 'expression', path)
    const field = `${path}.expression`
    if (expression === '') {
      reader.errors.push(required(field))
      return []
    }
    if (seen.has(expression)) {
      reader.errors.push(duplicate(field, expression))
      return []
    }
    seen.add(expression)
    const program = compiled(reader, expression, field, 'user', true)
    return program ? [{ program, message: reader.text(given, 'message', path) }] : []
  })
}
