import { built } from './flag.ts'
import { string, strings } from './flag-types.ts'

/** What the reference doesn't have: a server that needs no other program around it. */
export const standalone = {
  controllers: built(
    strings,
    ['*'],
    "Controllers to run in this process, comma-separated: '*' for those that are on by default, 'foo' to switch one on, '-foo' to switch one off. Empty runs none.",
  ),
  'data-dir': built(
    string,
    '.kube-apiserver',
    'Folder for the embedded store, the certificates that the server makes for itself, and the admin kubeconfig.',
  ),
}

/**
 * Whether a controller is to run, by the rules of kube-controller-manager: its own entry decides, else `*`.
 * @param onByDefault whether `*` includes it
 */
export function controllerEnabled(controllers: readonly string[], name: string, onByDefault = true): boolean {
  if (controllers.includes(name)) return true
  if (controllers.includes(`-${name}`)) return false
  return onByDefault && controllers.includes('*')
}
