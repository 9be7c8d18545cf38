/**
 * Makes a checkout ready to run: installs what package-lock.json names when that isn't what is installed, sees to it that the pinned
 * Node works, and builds the descriptions. Runs before `npm start` and `npm test`, on whatever Node the machine has (18 and up), so it
 * is plain JavaScript. Prints nothing and takes a blink when there is nothing to do.
 */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const root = path.join(path.dirname(fileURLToPath(import.meta.url)), '..')
const modules = path.join(root, 'node_modules')
const stampFile = path.join(modules, '.setup-stamp')
const pinned = path.join(modules, 'node')
const binary = path.join(modules, '.bin', process.platform === 'win32' ? 'node.cmd' : 'node')

function contentOf(file) {
  try {
    return fs.readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

/** Changes when another set of packages is asked for, and on another machine that shares the folder. */
function stamp() {
  const hash = createHash('sha256')
  for (const name of ['package.json', 'package-lock.json']) hash.update(contentOf(path.join(root, name)))
  return `${hash.digest('hex')} ${process.platform}-${process.arch}`
}

function run(command, args, cwd, shell = false) {
  // What it prints isn't this server's output: that is left to stdout.
  const { status, error } = spawnSync(command, args, { cwd, stdio: ['ignore', 2, 2], shell })
  if (status === 0) return
  console.error(`setup: ${[command, ...args].join(' ')}: ${error ? error.message : `exit code ${status}`}`)
  process.exit(1)
}

function install() {
  console.error('setup: installing packages')
  // Not `npm ci`: it refuses a lock without the optional packages of other platforms, which a lock that was made where not all of them
  // can be had doesn't list. With --no-save the lock is followed and left alone all the same.
  const args = ['install', '--no-audit', '--no-fund', '--include=dev', '--loglevel=error']
  if (fs.existsSync(path.join(root, 'package-lock.json'))) args.push('--no-save')
  const npm = process.env.npm_execpath
  // A package manager other than npm sets this, too.
  if (npm && /npm-cli\.[cm]?js$/.test(npm)) run(process.execPath, [npm, ...args], root)
  else run('npm', args, root, process.platform === 'win32')
}

/** @returns the version that the pinned Node says it has, or undefined when it doesn't run */
function runningVersion() {
  const { status, stdout } = spawnSync(binary, ['--version'], { encoding: 'utf8', shell: process.platform === 'win32' })
  return status === 0 ? stdout.trim().replace(/^v/, '') : undefined
}

/** The package `node` fetches the binary in its install script, which a cautious npm doesn't run by itself. */
function checkNode() {
  const wanted = JSON.parse(fs.readFileSync(path.join(pinned, 'package.json'), 'utf8')).version
  if (runningVersion() === wanted) return
  console.error(`setup: fetching Node ${wanted}`)
  run(process.execPath, ['installArchSpecificPackage.js'], pinned)
  const found = runningVersion()
  if (found === wanted) return
  console.error(`setup: ${binary} is ${found ?? 'broken'}, not Node ${wanted}; remove node_modules and try again`)
  process.exit(1)
}

const wanted = stamp()
if (contentOf(stampFile) !== wanted || !fs.existsSync(binary)) {
  install()
  checkNode()
  fs.writeFileSync(stampFile, wanted)
}
if (fs.existsSync(path.join(root, 'scripts/descriptions.mjs'))) await import('./descriptions.mjs')
