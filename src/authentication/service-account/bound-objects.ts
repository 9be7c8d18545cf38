/** What tokens need to know of the objects that they depend on. */
export interface ObjectFacts {
  readonly uid: string
  /** Unix time in ms when somebody deleted it, while it waits for its finalizers. */
  readonly deletedAt: number | undefined
}

export interface AccountFacts extends ObjectFacts {
  /** Names of the secrets that were made for it automatically. */
  readonly secrets: readonly string[]
}

export interface SecretFacts extends ObjectFacts {
  /** A token that is kept in it. */
  readonly token: Buffer | undefined
  readonly labels: Readonly<Record<string, string>>
}

/** Objects of one kind as this server knows them, without asking the store. */
export interface Lookup<Facts extends ObjectFacts = ObjectFacts> {
  /** A promise only where there is something to wait for. */
  get(namespace: string, name: string): Facts | undefined | Promise<Facts | undefined>
  /** The same, after everything that any server wrote up to now has come in. */
  fresh(namespace: string, name: string): Promise<Facts | undefined>
}

export interface BoundObjects {
  readonly serviceAccounts: Lookup<AccountFacts>
  readonly secrets: Lookup<SecretFacts>
  readonly pods: Lookup
  readonly nodes: Lookup
}

/** How far clocks may be apart. */
export const LEEWAY = 60_000

/** One object that a token depends on, and what is said when it isn't there as it was. */
export interface Binding {
  readonly objects: Lookup
  readonly namespace: string
  readonly name: string
  readonly uid: string
  readonly missing: string
  readonly deleted: string
  /** @param uid of the object that has the name now */
  replaced(uid: string): string
}

/**
 * Looks whether all objects that a token depends on are there, without waiting when the caches know.
 *
 * @param now Unix time in ms
 * @throws Error (or rejects) in the reference's words when one isn't
 */
export function checkBindings(bindings: readonly Binding[], now: number): undefined | Promise<undefined> {
  for (let i = 0; i < bindings.length; i++) {
    const binding = bindings[i]!
    const found = binding.objects.get(binding.namespace, binding.name)
    // A cache may lag behind another server, which has just created what is missed here.
    if (found instanceof Promise || found?.uid !== binding.uid) return checkRest(bindings, i, now)
    refuseDeleted(binding, found, now)
  }
  return undefined
}

async function checkRest(bindings: readonly Binding[], first: number, now: number): Promise<undefined> {
  for (const binding of bindings.slice(first)) {
    const { objects, namespace, name, uid } = binding
    let found = await objects.get(namespace, name)
    if (found?.uid !== uid) found = await objects.fresh(namespace, name)
    if (!found) throw new Error(binding.missing)
    refuseDeleted(binding, found, now)
    if (found.uid !== uid) throw new Error(binding.replaced(found.uid))
  }
}

function refuseDeleted(binding: Binding, found: ObjectFacts, now: number): void {
  if (found.deletedAt !== undefined && found.deletedAt < now - LEEWAY) throw new Error(binding.deleted)
}
