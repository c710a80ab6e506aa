/** Cases by hand: for properties that a CEL rule judges, and for what the operator alone can judge. */
import { asSpelled, applied, refused, reported, type ValueCase } from './value-case.ts'

const known = '0123456789abcdef0123456789abcdef'

/** By the path of the property. A rule that is new has to get its cases here. */
export const ruleCases: Readonly<Record<string, readonly ValueCase[]>> = {
  uuid: [
    applied('a uuid that ZStack knows', known),
    reported('a uuid that ZStack does not know', 'f'.repeat(32)),
    ...['', ' ', 'F'.repeat(32), 'f'.repeat(31), 'f'.repeat(33), 'f'.repeat(65), `${'f'.repeat(32)}\n`].map(
      refusedText,
    ),
    ...['g'.repeat(32), '６'.repeat(32), `../../accounts/${'f'.repeat(17)}`, `${'f'.repeat(30)}?a`].map(refusedText),
  ],
  requestMemory: [
    ...[0, 2 ** 20, 17_179_869_184, Number.MAX_SAFE_INTEGER].map((bytes) => applied(String(bytes), bytes)),
    ...quantities({
      '0': 0,
      '0Gi': 0,
      '1048576': 2 ** 20,
      '+1048576': 2 ** 20,
      '1Mi': 2 ** 20,
      '16Gi': 2 ** 34,
      '1.5Gi': 1.5 * 2 ** 30,
      '.5Gi': 2 ** 29,
      '1e7': 10_000_000,
      '1E7': 10_000_000,
      '2e+9': 2_000_000_000,
      '1500000000e-2': 15_000_000,
      '2000000000m': 2_000_000,
      '16M': 16_000_000,
      '7.5Pi': 7.5 * 2 ** 50,
      '9007199254740991': Number.MAX_SAFE_INTEGER,
    }),
    ...[1, 16, 8192, 2 ** 20 - 1].map((bytes) => refused(String(bytes), bytes)),
    ...['1', '+1', '16', '8192', '.5Ki', '1e3', '1000m', '1000000000n', '16k', '1023Ki', '1M', '1048575'].map(
      refusedText,
    ),
    ...[-1, 2 ** 53, 0.5].map((bytes) => refused(String(bytes), bytes)),
    ...['9223372036854775807', '9223372036854775808', '1e30'].map((text) => refused(text, asSpelled(text))),
    ...['', ' ', '-1', '-0.5Gi', '100m', '1.5', '0.1Ki', '1n', '8Pi', '1E', '9Ei', '9007199254740992'].map(refusedText),
    ...['9223372036854775807', '1e99', '16Gx', '16gi', '16 Gi', ' 16Gi', '16Gi\n', '1K', '0x10', 'NaN', '١'].map(
      refusedText,
    ),
  ],
}

/** By the path of the property: what the schema says nothing of, and what it takes though the operator does not. */
export const extraCases: Readonly<Record<string, readonly ValueCase[]>> = {
  yaml: [
    applied('a mebibyte', `a: |\n${' text that goes on and on\n'.repeat(40_000)}`),
    applied(
      'an alias bomb',
      Array.from({ length: 12 }, (_, i) => `a${i}: &a${i} [${`*a${i - 1},`.repeat(9)}]`).join('\n'),
    ),
    applied('brackets without end', '['.repeat(50_000)),
    applied('a deep nesting', Array.from({ length: 400 }, (_, i) => `${' '.repeat(i)}a:`).join('\n')),
    applied('anchors without end', Array.from({ length: 10_000 }, (_, i) => `- &a${i} x\n- *a${i}`).join('\n')),
  ],
  // CEL sees a quantity as a float, in which a part of a byte is lost beside so many whole ones.
  requestMemory: [reported('a part of a byte beyond the reach of floats', '7.999Pi')],
  architectureImages: [
    applied('one architecture in two spellings', [{ cpuArchitecture: 'ARM64' }, { cpuArchitecture: 'arm64' }]),
    applied('images of one architecture that differ elsewhere', [
      { cpuArchitecture: 'ARM64', dockerImage: 'a' },
      { cpuArchitecture: 'ARM64', dockerImage: 'b', acceleratorType: 'NVIDIA' },
    ]),
  ],
}

function quantities(bytes: Readonly<Record<string, number>>): readonly ValueCase[] {
  return Object.entries(bytes).map(([text, wire]) => applied(JSON.stringify(text), text, wire))
}

function refusedText(text: string): ValueCase {
  return refused(JSON.stringify(text), text)
}
