/** The attributes of HTML elements that hold URLs. */
const URL_ATTRIBUTES: Readonly<Record<string, readonly string[] | undefined>> = {
  a: ['href'],
  applet: ['codebase'],
  area: ['href'],
  audio: ['src'],
  base: ['href'],
  blockquote: ['cite'],
  body: ['background'],
  button: ['formaction'],
  command: ['icon'],
  del: ['cite'],
  embed: ['src'],
  form: ['action'],
  frame: ['longdesc', 'src'],
  head: ['profile'],
  html: ['manifest'],
  iframe: ['longdesc', 'src'],
  img: ['longdesc', 'src', 'usemap'],
  input: ['src', 'usemap', 'formaction'],
  ins: ['cite'],
  link: ['href'],
  object: ['classid', 'codebase', 'data', 'usemap'],
  q: ['cite'],
  script: ['src'],
  source: ['src'],
  video: ['poster', 'src'],
}

/** Elements whose content is text up to their end tag, whatever it looks like. */
const RAW_TEXT = new Set(['script', 'style', 'textarea', 'title', 'xmp', 'iframe', 'noembed', 'noframes', 'plaintext'])
/** A tag, a comment or the name of an end tag that is longer than this isn't one. */
const LONGEST_TAG = 64 * 1024

/**
 * Changes the URLs in a document of HTML as it comes by; all else stays byte by byte.
 *
 * @param rewrite gets an attribute's value, with its entities decoded as far as URLs have them
 */
export async function* rewriteLinks(body: AsyncIterable<Buffer>, rewrite: (url: string) => string): AsyncGenerator<Buffer, void> {
  // Bytes stay what they are: what matters is ASCII, in any encoding that HTML comes in.
  let text = ''
  let rawUntil: string | undefined
  for await (const chunk of body) {
    text += chunk.toString('latin1')
    const { done, rest, raw } = rewriteText(text, rawUntil, rewrite)
    text = rest
    rawUntil = raw
    if (done) yield Buffer.from(done, 'latin1')
  }
  if (text) yield Buffer.from(text, 'latin1')
}

/** @returns what is done, and what needs more to be understood */
function rewriteText(
  text: string,
  rawUntil: string | undefined,
  rewrite: (url: string) => string,
): { done: string; rest: string; raw: string | undefined } {
  let done = ''
  let at = 0
  let raw = rawUntil
  while (at < text.length) {
    const open = raw ? endTag(text, raw, at) : text.indexOf('<', at)
    if (open < 0) {
      // The end tag may have begun.
      const kept = raw ? Math.max(at, text.length - raw.length - 1) : text.length
      return { done: done + text.slice(at, kept), rest: text.slice(kept), raw }
    }
    done += text.slice(at, open)
    at = open
    raw = undefined
    const end = tagEnd(text, at)
    if (end === undefined) {
      if (text.length - at > LONGEST_TAG) return { done: done + text.slice(at), rest: '', raw }
      return { done, rest: text.slice(at), raw: rawUntil && open === at && text.startsWith('</', at) ? undefined : raw }
    }
    const tag = text.slice(at, end)
    const name = /^<([a-zA-Z][^\s/>]*)/.exec(tag)?.[1]?.toLowerCase()
    done += name && URL_ATTRIBUTES[name] ? rewriteTag(tag, URL_ATTRIBUTES[name], rewrite) : tag
    if (name && RAW_TEXT.has(name)) raw = `</${name}`
    at = end
  }
  return { done, rest: '', raw }
}

function endTag(text: string, name: string, from: number): number {
  const found = new RegExp(`${name}[\\s/>]`, 'ig')
  found.lastIndex = from
  return found.exec(text)?.index ?? -1
}

/** Where what begins with a `<` ends; undefined when it hasn't yet. */
function tagEnd(text: string, at: number): number | undefined {
  if (text.length < at + 4) return /^<[^a-zA-Z/!?]/.test(text.slice(at)) ? at + 1 : undefined
  if (text.startsWith('<!--', at)) {
    const end = text.indexOf('-->', at + 4)
    return end < 0 ? undefined : end + 3
  }
  if (!/[a-zA-Z/!?]/.test(text[at + 1]!)) return at + 1
  // Values in quotes may hold what would end the tag.
  const mark = /=\s*"[^"]*"|=\s*'[^']*'|=\s*["'][\s\S]*$|=\s*$|>/g
  mark.lastIndex = at
  for (let found = mark.exec(text); found; found = mark.exec(text)) {
    if (found[0] === '>') return mark.lastIndex
    if (mark.lastIndex === text.length) return undefined
  }
  return undefined
}

function rewriteTag(tag: string, names: readonly string[], rewrite: (url: string) => string): string {
  return tag.replace(
    /([^\s"'<>/=]+)(\s*=\s*)(?:"([^"]*)"|'([^']*)'|([^\s"'=<>`]+))/g,
    (whole, name: string, equals: string, double?: string, single?: string, bare?: string) => {
      if (!names.includes(name.toLowerCase())) return whole
      const value = Buffer.from(decodeEntities(double ?? single ?? bare ?? ''), 'latin1').toString()
      const changed = rewrite(value)
      return changed === value ? whole : `${name}${equals}"${encodeEntities(Buffer.from(changed).toString('latin1'))}"`
    },
  )
}

const ENTITIES: Readonly<Record<string, string>> = { '&amp;': '&', '&#38;': '&', '&quot;': '"', '&#34;': '"', '&#39;': "'" }

const decodeEntities = (text: string): string => text.replace(/&(?:amp|quot|#38|#34|#39);/g, (entity) => ENTITIES[entity]!)

const encodeEntities = (text: string): string => text.replace(/&/g, '&amp;').replace(/"/g, '&#34;')
