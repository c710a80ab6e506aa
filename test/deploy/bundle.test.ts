import { readdirSync, readFileSync } from 'node:fs'
import ts from 'typescript'
import { beforeAll, describe, expect, it } from 'vitest'
import { bundle, bundleFile, commandBundleFile } from '../../deploy/bundle.ts'
import { imageStart } from '../support/operator-process.ts'

const clientNode = 'node_modules/@kubernetes/client-node/dist/'

/** The files whose code is in the bundle of the operator. */
let bundled: Set<string>
/** The same of its commands. */
let bundledForCommands: Set<string>

beforeAll(async () => {
  const { outputs } = await bundle({ write: false })
  const filesIn = (bundle: string) => {
    const inputs = Object.entries(outputs[bundle]?.inputs ?? {})
    return new Set(inputs.flatMap(([file, { bytesInOutput }]) => (bytesInOutput > 0 ? [file] : [])))
  }
  bundled = filesIn(bundleFile)
  bundledForCommands = filesIn(commandBundleFile)
})

describe('what the bundle leaves out of client-node', () => {
  const leftOut = () =>
    readdirSync(clientNode, { recursive: true, encoding: 'utf8' }).filter(
      (file) => file.endsWith('.js') && !bundled.has(clientNode + file),
    )

  it('is the generated API, and not how the operator is configured and authenticates', () => {
    expect(leftOut().filter((file) => file.startsWith('gen/')).length).toBeGreaterThan(900)
    expect(leftOut()).not.toEqual(expect.arrayContaining([expect.stringMatching(/^(?:config|\w+_auth)\.js$/)]))
  })

  it('only defines things when it is loaded, but for a global that Node 20 and newer have themselves', () => {
    const effects = leftOut().flatMap((file) => effectsOf(file).map((effect) => `${file}: ${effect}`))
    expect(effects).toEqual([
      "index.js: import './polyfill.js';",
      expect.stringMatching(/^polyfill\.js: if \(typeof globalThis\.File === 'undefined'\) \{\s+globalThis\.File = /),
    ])
    expect(globalThis.File).toBeTypeOf('function')
  })
})

describe('the bundle of the operator', () => {
  const ofCommands = (file: string) =>
    /^src\/cli\/|node_modules\/(?:commander|diff|string-width|@marcbachmann)\//.test(file)

  it('holds nothing of the commands, which have theirs', () => {
    expect([...bundled].filter(ofCommands)).toEqual([])
    expect([...bundledForCommands].filter(ofCommands).length).toBeGreaterThan(20)
  })
})

describe('the engine', () => {
  it('is given options by the image alone, and only ones that Node supports', () => {
    const { options } = imageStart()
    expect(options).not.toEqual([])
    const unsupported = options.filter((option) => !process.allowedNodeEnvironmentFlags.has(option.split('=')[0]!))
    expect(unsupported).toEqual([])
    const sources = [...bundled].map((file) => readFileSync(file, 'utf8'))
    expect(sources.filter((source) => source.includes('setFlagsFromString'))).toEqual([])
  })
})

/** The statements of a module that may do more, when it is loaded, than define what the module itself declares. */
function effectsOf(file: string): string[] {
  const text = readFileSync(clientNode + file, 'utf8')
  const source = ts.createSourceFile(file, text, ts.ScriptTarget.Latest, true)
  const own = new Set(source.statements.flatMap((statement) => namesDeclaredBy(statement)))
  const isOwn = (node: ts.Node) => ts.isIdentifier(node) && own.has(node.text)
  const onlyDefines = (statement: ts.Statement): boolean => {
    if (ts.isImportDeclaration(statement)) return statement.importClause !== undefined
    if (ts.isVariableStatement(statement))
      return statement.declarationList.declarations.every(({ initializer }) => !initializer || isInert(initializer))
    if (ts.isExpressionStatement(statement) && ts.isBinaryExpression(statement.expression)) {
      const { left, right } = statement.expression
      return ts.isPropertyAccessExpression(left) && isOwn(left.expression) && isInert(right)
    }
    return (
      ts.isExportDeclaration(statement) ||
      ts.isFunctionDeclaration(statement) ||
      ts.isEmptyStatement(statement) ||
      (ts.isClassDeclaration(statement) && !statement.members.some(runsAtLoad))
    )
  }
  /** A value that is made without running code of others. */
  const isInert = (node: ts.Node): boolean => {
    if (ts.isArrowFunction(node)) return true
    if (ts.isNewExpression(node)) return node.expression.getText() === 'Set' && (node.arguments ?? []).every(isInert)
    if (ts.isCallExpression(node)) return isOwn(node.expression) && node.arguments.every(isInert)
    return ts.forEachChild(node, (child) => (isInert(child) ? undefined : true)) === undefined
  }
  const runsAtLoad = (member: ts.ClassElement) =>
    ts.isClassStaticBlockDeclaration(member) ||
    (ts.isPropertyDeclaration(member) &&
      (ts.getCombinedModifierFlags(member) & ts.ModifierFlags.Static) !== 0 &&
      member.initializer !== undefined &&
      !isInert(member.initializer))
  return source.statements.filter((statement) => !onlyDefines(statement)).map((statement) => statement.getText())
}

function namesDeclaredBy(statement: ts.Statement): string[] {
  if (ts.isVariableStatement(statement)) return statement.declarationList.declarations.map(({ name }) => name.getText())
  const isNamed = ts.isFunctionDeclaration(statement) || ts.isClassDeclaration(statement)
  return isNamed && statement.name ? [statement.name.text] : []
}
