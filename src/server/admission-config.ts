import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { isObject, type Json } from '../machinery/json.ts'
import { yamlToJson } from '../machinery/yaml.ts'

const VERSIONS = ['apiserver.config.k8s.io/v1', 'apiserver.k8s.io/v1alpha1']

/** Each plugin's configuration, by the plugin's name. */
export type AdmissionConfigs = ReadonlyMap<string, Json>

/**
 * Reads the AdmissionConfiguration that `--admission-control-config-file` names, with the files that it names.
 *
 * @param file empty for none
 * @throws Error (rejects) with one line
 * @see https://kubernetes.io/docs/reference/config-api/apiserver-config.v1/#apiserver-config-k8s-io-v1-AdmissionConfiguration
 */
export async function readAdmissionConfigs(file: string): Promise<AdmissionConfigs> {
  const configs = new Map<string, Json>()
  if (file === '') return configs
  const document = await readYaml(file)
  if (!isObject(document) || document.kind !== 'AdmissionConfiguration' || !VERSIONS.includes(String(document.apiVersion)))
    throw new Error(`${file}: is no AdmissionConfiguration of ${VERSIONS[0]}`)
  const plugins = document.plugins ?? []
  if (!Array.isArray(plugins)) throw new Error(`${file}: plugins: must be a list`)
  for (const [i, plugin] of plugins.entries()) {
    if (!isObject(plugin) || typeof plugin.name !== 'string') throw new Error(`${file}: plugins[${i}].name: must be a string`)
    // The first one counts.
    if (configs.has(plugin.name)) continue
    if (plugin.configuration !== undefined && plugin.configuration !== null) configs.set(plugin.name, plugin.configuration)
    else if (typeof plugin.path === 'string' && plugin.path !== '')
      configs.set(plugin.name, await readYaml(path.resolve(path.dirname(file), plugin.path)))
  }
  return configs
}

async function readYaml(file: string): Promise<Json> {
  let bytes: Buffer
  try {
    bytes = await readFile(file)
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    const why = code === 'ENOENT' ? `open ${file}: no such file or directory` : message
    throw new Error(
      `failed to read plugin config: unable to read admission control configuration from ${JSON.stringify(file)} [${why}]`,
    )
  }
  try {
    return yamlToJson(bytes)
  } catch (error) {
    throw new Error(`${file}: ${(error as Error).message}`)
  }
}
