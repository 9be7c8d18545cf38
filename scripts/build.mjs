/**
 * Makes dist/, which is what an installed package runs: Node takes types away only outside of node_modules. What src/main.ts and
 * src/index.ts don't reach, such as tests, is left out.
 */
import { spawnSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import './setup.mjs'

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..')
const source = path.join(root, 'src')
const out = path.join(root, 'dist')

fs.rmSync(out, { recursive: true, force: true })
const compiler = path.join(root, 'node_modules/typescript/bin/tsc')
const { status } = spawnSync(process.execPath, [compiler, '-p', path.join(root, 'tsconfig.build.json')], { stdio: 'inherit' })
if (status !== 0) process.exit(1)

// Data that is read from beside the code.
for (const name of fs.readdirSync(source, { recursive: true })) {
  if (!name.endsWith('.json')) continue
  fs.mkdirSync(path.dirname(path.join(out, name)), { recursive: true })
  fs.copyFileSync(path.join(source, name), path.join(out, name))
}
