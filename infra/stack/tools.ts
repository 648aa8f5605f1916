/** What has to be on the machine before anything can be installed from a package registry: Python, Go, Java, Maven. */
import { existsSync, readdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { MissingError, runProgram } from './cache.ts'

/** What a program prints, or undefined where it cannot be run. */
export type Ask = (command: string, args: readonly string[]) => Promise<string | undefined>

const askProgram: Ask = (command, args) => runProgram(command, args).catch(() => undefined)

/** The entries of a folder with a path below each; empty where there is no such folder. */
function candidatesIn(folder: string, ...below: string[]): string[] {
  if (!existsSync(folder)) return []
  return readdirSync(folder)
    .sort()
    .reverse()
    .map(name => join(folder, name, ...below))
    .filter(path => existsSync(path))
}

/** A Python that is at least 3.`minor`: on PATH, or one that pyenv or uv installed. Throws MissingError. */
export async function findPython({
  minor,
  for: purpose,
  ask = askProgram,
  variables = process.env,
}: {
  minor: number
  for: string
  ask?: Ask
  variables?: Record<string, string | undefined>
}): Promise<string> {
  const newest = 15
  const named = Array.from({ length: newest - minor + 1 }, (_, index) => `python3.${newest - index}`)
  const home = homedir()
  const candidates = [
    'python3',
    ...named,
    'python',
    ...candidatesIn(join(variables.PYENV_ROOT ?? join(home, '.pyenv'), 'versions'), 'bin', 'python3'),
    ...candidatesIn(join(home, '.local', 'share', 'uv', 'python'), 'bin', 'python3'),
  ]
  for (const candidate of candidates) {
    // Debian has venv without what it needs, ensurepip, until python3-venv is installed.
    const version = await ask(candidate, ['-c', 'import sys, venv, ensurepip; print("version", *sys.version_info[:2])'])
    const [, major, found] = /version (\d+) (\d+)/.exec(version ?? '') ?? []
    if (major === '3' && Number(found) >= minor) return candidate
  }
  throw new MissingError(
    `${purpose} needs Python 3.${minor} or newer with its venv module, and none was found on PATH. ` +
      'Get it from https://www.python.org, with "apt install python3 python3-venv", "brew install python", or "uv python install"',
  )
}

/** The `go` command. Throws MissingError. */
export async function findGo({ for: purpose, ask = askProgram }: { for: string; ask?: Ask }): Promise<string> {
  for (const candidate of ['go', '/usr/local/go/bin/go']) {
    const [, minor] = /go version go1\.(\d+)/.exec((await ask(candidate, ['version'])) ?? '') ?? []
    // From 1.21 on, Go gets itself the newer release that a module asks for.
    if (Number(minor) >= 21) return candidate
  }
  throw new MissingError(
    `${purpose} is compiled with Go 1.21 or newer, and there is no "go" on PATH. ` +
      'Get it from https://go.dev/dl, or with "brew install go"; or put a MinIO of your own at MINIO_BINARY',
  )
}

/** The home of a Java that is new enough: `$JAVA_HOME`, PATH, or where systems and version managers put them. Throws MissingError. */
export async function findJava({
  oldest,
  for: purpose,
  ask = askProgram,
  variables = process.env,
}: {
  oldest: number
  for: string
  ask?: Ask
  variables?: Record<string, string | undefined>
}): Promise<string> {
  const found: string[] = []
  const commands = [
    ...(variables.JAVA_HOME ? [join(variables.JAVA_HOME, 'bin', 'java')] : []),
    'java',
    ...candidatesIn('/usr/lib/jvm', 'bin', 'java'),
    ...candidatesIn(join(homedir(), '.sdkman', 'candidates', 'java'), 'bin', 'java'),
    ...candidatesIn('/Library/Java/JavaVirtualMachines', 'Contents', 'Home', 'bin', 'java'),
  ]
  for (const command of commands) {
    const text = await ask(command, ['-XshowSettings:properties', '-version'])
    const version = /java\.specification\.version = (\d+)/.exec(text ?? '')?.[1]
    const home = /java\.home = (.+)/.exec(text ?? '')?.[1]?.trim()
    if (!version || !home) continue
    if (Number(version) >= oldest) return home
    found.push(version)
  }
  throw new MissingError(
    `${purpose} needs Java ${oldest} or newer, and ${found.length > 0 ? `only Java ${[...new Set(found)].join(', ')} was found` : 'none was found'}. ` +
      'Get one from https://adoptium.net, or with "brew install openjdk" or "sdk install java 25-tem", and set JAVA_HOME',
  )
}

/** The `mvn` command. Throws MissingError. */
export async function findMaven({ for: purpose, ask = askProgram }: { for: string; ask?: Ask }): Promise<string> {
  if (await ask('mvn', ['--version'])) return 'mvn'
  throw new MissingError(
    `${purpose} comes from Maven Central, and there is no "mvn" on PATH. ` +
      'Get it from https://maven.apache.org, or with "apt install maven" or "brew install maven"',
  )
}
