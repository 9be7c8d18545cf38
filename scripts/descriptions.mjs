/**
 * Takes the API's descriptions out of the doc comments of the installed @kubernetes/client-node, into build/descriptions/:
 * <package>.json for types and fields ({type: {'': text, field: text}}), and parameters.json for query and path parameters
 * ({name: text, 'verb.name' or 'operation.name': text where theirs differs}).
 *
 * Runs after every install, on whatever Node there is, so it is plain JavaScript; it does nothing when its output is fresh.
 */
import fs from 'node:fs'
import path from 'node:path'

const root = path.join(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '..')
const client = path.join(root, 'node_modules/@kubernetes/client-node')
const schemas = path.join(root, 'src/generated/schemas')
const out = path.join(root, 'build/descriptions')
const stampFile = path.join(out, 'stamp')

const script = path.join(root, 'scripts/descriptions.mjs')

/** Changes with the client package, this script and the list of types. */
function stamp() {
  const { version } = JSON.parse(fs.readFileSync(path.join(client, 'package.json'), 'utf8'))
  const sources = [script, ...packages().map((pkg) => path.join(schemas, `${pkg}.json`))]
  return `${version} ${Math.max(...sources.map((file) => fs.statSync(file).mtimeMs))} ${sources.length}`
}

function packages() {
  return fs
    .readdirSync(schemas)
    .filter((name) => name.endsWith('.json'))
    .map((name) => name.slice(0, -'.json'.length))
    .sort()
}

const upper = (text) => text.charAt(0).toUpperCase() + text.slice(1)

/** The model's file: `V1Pod`, or `CoreV1Event` where several groups have a type of that name. */
function modelFile(pkg, type) {
  const parts = pkg.split('.')
  const version = upper(parts.pop())
  const group = upper(parts.pop())
  const candidates = [`${group}${version}${type}`, `${version}${type}`]
  return candidates.map((name) => path.join(client, 'dist/gen/models', `${name}.d.ts`)).find((file) => fs.existsSync(file))
}

/** Undoes the generator's escapes. */
function plain(text) {
  return text
    .replace(/\\?&#39;/g, "'")
    .replace(/&quot;/g, '"')
    .replace(/&lt;/g, '<')
    .replace(/&gt;/g, '>')
    .replace(/&#x3D;/g, '=')
    .replace(/&#x60;/g, '`')
    .replace(/&amp;/g, '&')
    .replace(/\\(['"\\])/g, '$1')
    .replace(/\*_\//g, '*/')
    .replace(/\/_\*/g, '/*')
    .replace(/(\S)( {2,})(?=(\S))/g, lineBreaks)
    .trim()
}

/**
 * The generator made a space of every line break, so a run of spaces was most likely one or two breaks with an indentation. Two spaces
 * between words, or before a quote, were always spaces.
 */
function lineBreaks(_run, before, spaces, after) {
  if (spaces.length > 2) return `${before}\n${spaces.slice(1)}`
  const words = /[a-z]/.test(before) && /[a-z]/.test(after)
  if (words || /[,|]/.test(before) || /[|=]/.test(after) || (before === '.' && after === '"')) return before + spaces
  return /\d/.test(after) && /[.:]/.test(before) ? `${before}\n ` : `${before}\n\n`
}

const MEMBER = /\/\*\*\s*\n\s*\* (.*)\n\s*\*\/\n\s*(?:'([^']+)'\??:|export declare class )/g

const APIEXTENSIONS = 'io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1'

/** Fields of these types carry their type's description instead of their own. */
const SCALARS = {
  intorstring: ['io.k8s.apimachinery.pkg.util.intstr', 'IntOrString'],
  microtime: ['io.k8s.apimachinery.pkg.apis.meta.v1', 'MicroTime'],
  json: [APIEXTENSIONS, 'JSON'],
  propsorarray: [APIEXTENSIONS, 'JSONSchemaPropsOrArray'],
  propsorbool: [APIEXTENSIONS, 'JSONSchemaPropsOrBool'],
  propsorstrings: [APIEXTENSIONS, 'JSONSchemaPropsOrStringArray'],
}

/** @param scalars filled with the descriptions of scalar types that turn up */
function describeModel(file, facts, scalars) {
  const types = new Map(facts.fields.map((field) => [field.name, field.type]))
  const result = {}
  for (const [, text, property = ''] of fs.readFileSync(file, 'utf8').matchAll(MEMBER)) {
    // The generator's names for what no TypeScript property may be called.
    const field = property.startsWith('x_kubernetes') ? property.replace(/_/g, '-') : property.replace(/^_/, '')
    const scalar = SCALARS[types.get(field)]
    if (scalar) scalars[scalar[0]] = { ...scalars[scalar[0]], [scalar[1]]: { '': plain(text) } }
    else result[field] = plain(text)
  }
  return result
}

const OPERATION = /\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s*\n\s*(?:public )?(\w+)\(/g

/** Parameters mean the same everywhere but for a few operations. */
function describeParameters() {
  const result = {}
  const api = fs.readFileSync(path.join(client, 'dist/gen/apis/CoreV1Api.d.ts'), 'utf8')
  for (const [, comment, operation] of api.matchAll(OPERATION)) {
    for (const [, name, text] of comment.matchAll(/@param (\w+) (.*)/g)) {
      const key = name === '_continue' ? 'continue' : name
      const description = plain(text)
      if (key === 'name' || key === 'body') continue
      if (result[key] === undefined) result[key] = description
      else if (result[key] !== description) {
        // Streams have parameters of their own; other operations differ by their verb, if at all.
        const verb = operation.match(/^[a-z]+/)[0]
        result[`${verb === 'connect' || verb === 'read' ? operation : verb}.${key}`] = description
      }
    }
  }
  return result
}

function write(name, value) {
  fs.writeFileSync(path.join(out, `${name}.json`), `${JSON.stringify(value, null, 1)}\n`)
}

if (fs.existsSync(client)) {
  const wanted = stamp()
  if (!fs.existsSync(stampFile) || fs.readFileSync(stampFile, 'utf8') !== wanted) {
    fs.mkdirSync(out, { recursive: true })
    const scalars = {}
    const described = {}
    for (const pkg of packages()) {
      const types = JSON.parse(fs.readFileSync(path.join(schemas, `${pkg}.json`), 'utf8'))
      described[pkg] = {}
      for (const [type, facts] of Object.entries(types)) {
        const file = modelFile(pkg, type)
        if (file) described[pkg][type] = describeModel(file, facts, scalars)
      }
    }
    for (const [pkg, types] of Object.entries(scalars)) described[pkg] = { ...described[pkg], ...types }
    for (const [pkg, types] of Object.entries(described)) write(pkg, types)
    write('parameters', describeParameters())
    fs.writeFileSync(stampFile, wanted)
  }
}
