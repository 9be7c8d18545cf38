/**
 * Takes the API's descriptions out of the doc comments of the installed @kubernetes/client-node (and kubernetes-models, if that is
 * there), into build/descriptions/:
 * <package>.json for types and fields ({type: {'': text, field: text}}), and parameters.json for query and path parameters
 * ({name: text, 'verb.name' or 'operation.name': text where theirs differs}).
 *
 * Runs after every install, on whatever Node there is, so it is plain JavaScript; it does nothing when its output is fresh.
 */
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'

const root = path.join(import.meta.dirname ?? path.dirname(new URL(import.meta.url).pathname), '..')
const client = path.join(root, 'node_modules/@kubernetes/client-node')
const models = path.join(root, 'node_modules/kubernetes-models')
const schemas = path.join(root, 'src/generated/schemas')
const out = path.join(root, 'build/descriptions')
const stampFile = path.join(out, 'stamp')

const script = path.join(root, 'scripts/descriptions.mjs')

/** Changes with the packages, this script and the list of types. */
function stamp() {
  const versions = [client, models]
    .map((dir) => path.join(dir, 'package.json'))
    .filter((file) => fs.existsSync(file))
    .map((file) => JSON.parse(fs.readFileSync(file, 'utf8')).version)
  const sources = [script, ...packages().map((pkg) => path.join(schemas, `${pkg}.json`))]
  return `${versions.join(' ')} ${Math.max(...sources.map((file) => fs.statSync(file).mtimeMs))} ${sources.length}`
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

/** Types that have no fields, and so no facts. */
const SCALAR_TYPES = [
  'io.k8s.apimachinery.pkg.api.resource.Quantity',
  'io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1',
  'io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime',
  'io.k8s.apimachinery.pkg.apis.meta.v1.Patch',
  'io.k8s.apimachinery.pkg.apis.meta.v1.Time',
  'io.k8s.apimachinery.pkg.runtime.RawExtension',
  'io.k8s.apimachinery.pkg.util.intstr.IntOrString',
]

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

const COMMENT = /\/\*\*\n((?:\s*\*.*\n)*?)\s*\*\/\n\s*(?:"([^"]+)"\??:|export (?:interface|type) )/g

/** The file of a type in the kubernetes-models packages, which are sorted by API group. */
function refinedFile(pkg, type, group) {
  const parts = pkg.split('.')
  const version = parts.at(-1)
  const meta = /^io\.k8s\.apimachinery\.pkg\.(.*)$/.exec(pkg)?.[1]
  const file = meta
    ? path.join(root, 'node_modules/@kubernetes-models/apimachinery', ...meta.split('.'), `${type}.d.ts`)
    : path.join(models, group, version, `${type}.d.ts`)
  return fs.existsSync(file) ? file : undefined
}

/**
 * client-node has no texts for fields that are structs, and no line breaks. kubernetes-models, where it is installed, has both; its
 * texts are taken where they say the same or something new.
 */
function refine(texts, file) {
  const same = (text) => text.replace(/\s+/g, ' ')
  const seen = new Set()
  for (const [, comment, field = ''] of fs.readFileSync(file, 'utf8').matchAll(COMMENT)) {
    if (seen.has(field)) continue
    seen.add(field)
    const text = comment
      .replace(/^\s*\* ?/gm, '')
      .replace(/\n\s*Possible enum values:[\s\S]*/, '')
      .replace(/\n@deprecated\s*$/, '')
      .replace(/\\([*_`/])/g, '$1')
      .trim()
    if (text && (!texts[field] || same(texts[field]) === same(text))) texts[field] = text
  }
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

const hash = createHash('sha256')

function write(name, value) {
  const text = `${JSON.stringify(value, null, 1)}\n`
  hash.update(text)
  fs.writeFileSync(path.join(out, `${name}.json`), text)
}

if (fs.existsSync(client)) {
  const wanted = stamp()
  if (!fs.existsSync(stampFile) || fs.readFileSync(stampFile, 'utf8').split('\n')[0] !== wanted) {
    fs.mkdirSync(out, { recursive: true })
    const scalars = {}
    const described = {}
    for (const pkg of packages()) {
      const types = JSON.parse(fs.readFileSync(path.join(schemas, `${pkg}.json`), 'utf8'))
      const group = Object.values(types).find((facts) => facts.gvk)?.gvk.group ?? ''
      described[pkg] = {}
      for (const [type, facts] of Object.entries(types)) {
        const file = modelFile(pkg, type)
        const texts = file ? describeModel(file, facts, scalars) : {}
        const refined = refinedFile(pkg, type, group)
        if (refined) refine(texts, refined)
        described[pkg][type] = texts
      }
    }
    for (const [pkg, types] of Object.entries(scalars)) described[pkg] = { ...described[pkg], ...types }
    for (const name of SCALAR_TYPES) {
      const dot = name.lastIndexOf('.')
      const [pkg, type] = [name.slice(0, dot), name.slice(dot + 1)]
      const file = refinedFile(pkg, type, '')
      if (!file) continue
      described[pkg] = { ...described[pkg], [type]: { ...described[pkg]?.[type] } }
      refine(described[pkg][type], file)
    }
    for (const [pkg, types] of Object.entries(described)) write(pkg, types)
    write('parameters', describeParameters())
    fs.writeFileSync(stampFile, `${wanted}\n${hash.digest('hex')}\n`)
  }
}
