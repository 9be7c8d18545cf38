import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite, test } from 'node:test'
import { admissionPlugins } from './admission.ts'
import { authorizationModes } from './authorization.ts'
import { featureGateLines } from './feature-gates.ts'
import { optionName, writtenDefault } from './flag.ts'
import { insecureCiphers, preferredCiphers } from './secure-serving.ts'
import { flags, groups } from './table.ts'

/** The reference's facts lie outside this repository: KUBE_REFERENCE is their folder. */
const folder = process.env.KUBE_REFERENCE
const reference = folder === undefined ? undefined : readFileSync(join(folder, 'flags.txt'), 'utf8')
const skip = !reference && 'KUBE_REFERENCE does not name the folder of reference facts: the flags are not compared with them'

/** Flags that differ from the reference on purpose, by what is ours: the default, as help prints it. */
const ourDefaults: Readonly<Record<string, string>> = {
  // Certificates lie in the data folder, so that nothing outside it has to be writable.
  'cert-dir': '',
}

/** Flags that the reference takes without showing them. */
const hidden = ['apiserver-count', 'default-watch-cache-size', 'kubelet-port', 'kubelet-read-only-port']

interface Shown {
  readonly group: string
  readonly dashes: string
  readonly byDefault: string
  readonly deprecated: boolean
  readonly help: string
}

/** The flags of the reference's help by their names. */
function shownFlags(text: string): Map<string, Shown> {
  const shown = new Map<string, Shown>()
  for (const section of text.split(/^(?=\S.* flags:$)/m).slice(1)) {
    const group = section.slice(0, section.indexOf(' flags:'))
    for (const entry of section.split(/^(?= {2}(?: {4}|-\w, )--)/m).slice(1)) {
      const [, dashes, name] = /^((?: {6}| {2}-\w, )--([\w-]+)(?: \S+)*) {2,}/.exec(entry)!
      const end = /(?: \(default ([^\n]*?)\))?( \(DEPRECATED: [^\n]*\))?\s*$/.exec(entry.trimEnd())!
      shown.set(name!, { group, dashes: dashes!, byDefault: end[1] ?? '', deprecated: end[2] !== undefined, help: entry })
    }
  }
  return shown
}

/** Our own table in the same form. */
function ourFlags(): Map<string, Omit<Shown, 'help'>> {
  const rows = groups.flatMap(([group, table]) =>
    Object.entries(table).map(([name, flag]): [string, Omit<Shown, 'help'>] => {
      const text = flag.type.format(flag.default)
      const optional = flag.type.noArgument !== undefined && flag.type.label !== '' ? `[=${flag.type.noArgument}]` : ''
      const label = flag.type.label === '' ? '' : ` ${flag.type.label}${optional}`
      const dashes = `${flag.shorthand ? `  -${flag.shorthand}, ` : '      '}--${name}${label}`
      const byDefault = flag.type.zero.includes(text) ? '' : flag.type.label === 'string' ? JSON.stringify(text) : text
      return [name, { group, dashes, byDefault, deprecated: flag.deprecated !== undefined }]
    }),
  )
  return new Map(rows)
}

suite('the flag table', () => {
  test('holds every flag of the reference, with its group, type and default, and no others but ours', { skip }, () => {
    const theirs = shownFlags(reference!)
    assert.equal(theirs.size, 172)
    const expected = new Map(
      [...theirs].map(([name, { help: _, ...shown }]) => [name, { ...shown, byDefault: ourDefaults[name] ?? shown.byDefault }]),
    )
    const ours = new Map([...ourFlags()].filter(([name, row]) => row.group !== 'Standalone' && !hidden.includes(name)))
    assert.deepEqual([...ours.keys()].sort(), [...expected.keys()].sort())
    for (const [name, row] of ours) assert.deepEqual(row, expected.get(name), name)
  })

  test('has the groups in the order of the reference', { skip }, () => {
    const order = [...reference!.matchAll(/^(\S.*) flags:$/gm)].map((match) => match[1])
    assert.deepEqual(
      groups.map(([title]) => title).filter((title) => title !== 'Standalone'),
      order,
    )
  })

  test('knows the gates, plugins, modes and ciphers of the reference', { skip }, () => {
    const theirs = shownFlags(reference!)
    const list = (flag: string, before: RegExp): string[] => before.exec(theirs.get(flag)!.help)![1]!.split(/, ?/)
    assert.deepEqual(
      featureGateLines(),
      [...reference!.matchAll(/ (kube:\w+=true\|false .*)$/gm)].map((match) => match[1]),
    )
    assert.deepEqual(
      [...admissionPlugins.keys()].sort(),
      list('enable-admission-plugins', /list of admission plugins: (.*?)\. The/),
    )
    const onByDefault = [...admissionPlugins].filter(([, plugin]) => plugin.on).map(([name]) => name)
    assert.deepEqual(onByDefault, list('enable-admission-plugins', /enabled ones \((.*?)\)/))
    assert.deepEqual(Object.keys(authorizationModes), list('authorization-mode', /list of: (.*?)\./))
    assert.deepEqual(Object.keys(preferredCiphers), list('tls-cipher-suites', /Preferred values: (.*?)\. /))
    assert.deepEqual(Object.keys(insecureCiphers), list('tls-cipher-suites', /Insecure values: (.*?)\.$/m))
  })

  test("repeats none of the reference's sentences", { skip }, () => {
    const words = (text: string): string => text.replaceAll(/\s+/g, ' ')
    const theirs = words(reference!)
    for (const [name, flag] of flags) {
      for (const sentence of words(flag.help).split(/(?<=\.) /)) {
        assert.ok(
          sentence.length < 40 || /list of:|^kube:|TLS_/.test(sentence) || !theirs.includes(sentence),
          `--${name}: ${sentence}`,
        )
      }
    }
  })

  test('declares every flag once', () => {
    const names = groups.flatMap(([, table]) => Object.keys(table))
    assert.equal(new Set(names).size, names.length)
    assert.equal(flags.size, 172 + hidden.length + 2)
    assert.equal(new Set(names.map(optionName)).size, names.length)
    for (const [name, flag] of flags) {
      assert.match(name, /^[a-z0-9]+(-[a-z0-9]+)*$/)
      assert.ok(flag.help.length > 0 && !flag.help.includes('\t'), name)
      assert.equal(flag.hidden ?? false, hidden.includes(name), name)
    }
  })

  test('has defaults that read back as themselves', () => {
    for (const [name, flag] of flags) {
      const text = writtenDefault(flag)
      if (text !== '' || flag.type.label === 'string') assert.deepEqual(flag.type.parse(text, undefined), flag.default, name)
    }
  })
})
