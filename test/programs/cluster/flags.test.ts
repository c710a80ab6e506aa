import { describe, expect, it } from 'vitest'
import { parseFlags } from './flags.ts'

const load = ['--load-image', 'kind load docker-image {image}']

describe('the flags of the cluster run', () => {
  it('need a way for the image to get into the cluster, and nothing else', () => {
    expect(parseFlags([], {})).toMatch(/^give --load-image,/)
    expect(parseFlags(load, {})).toEqual({ loadImage: load[1], port: 0, keep: false })
    expect(parseFlags(['--image', 'operator:1'], {})).toEqual({ image: 'operator:1', port: 0, keep: false })
  })

  it('name the cluster before the environment does', () => {
    expect(parseFlags(load, { KUBECONFIG: '/theirs' })).toMatchObject({ kubeconfig: '/theirs' })
    expect(parseFlags([...load, '--kubeconfig', '/mine'], { KUBECONFIG: '/theirs' })).toMatchObject({
      kubeconfig: '/mine',
    })
    expect(parseFlags(load, { KUBECONFIG: '' })).not.toHaveProperty('kubeconfig')
  })

  it.for([
    [['--port', 'http'], '--port is a port number, not http'],
    [['--port', '70000'], '--port is a port number, not 70000'],
    [['--porridge'], "Unknown option '--porridge'"],
  ] as const)('refuse %j with a sentence', ([args, sentence]) => {
    expect(parseFlags([...load, ...args], {})).toContain(sentence)
  })
})
