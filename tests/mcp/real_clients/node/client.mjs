// One of the two TypeScript SDKs as a client of an MCP server, told what to do by its argument, a JSON text:
// `sdk` (1 or 2), `url`, `metadata` (of a registration), where it has one `client_metadata_url`, and `deeds`. It says {"open": URL} when the user's browser is to go somewhere, and reads where that was sent to.

import { createInterface } from 'node:readline'

const told = JSON.parse(process.argv[2])
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]()
const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`)

const sdk = told.sdk === 1
  ? {
      ...(await import('@modelcontextprotocol/sdk/client/index.js')),
      ...(await import('@modelcontextprotocol/sdk/client/streamableHttp.js')),
      ...(await import('@modelcontextprotocol/sdk/client/auth.js')),
    }
  : await import('@modelcontextprotocol/client')

const kept = {}
const opened = []

const provider = {
  redirectUrl: told.metadata.redirect_uris[0],
  clientMetadata: told.metadata,
  clientMetadataUrl: told.client_metadata_url,
  state: () => 'a state',
  clientInformation: () => kept.client,
  saveClientInformation: (client) => { kept.client = client },
  tokens: () => kept.tokens,
  saveTokens: (tokens) => { kept.tokens = tokens },
  codeVerifier: () => kept.verifier,
  saveCodeVerifier: (verifier) => { kept.verifier = verifier },
  saveDiscoveryState: (state) => { kept.discovery = state },
  discoveryState: () => kept.discovery,
  redirectToAuthorization: (url) => { opened.push(String(url)) },
  invalidateCredentials: (what) => {
    if (what === 'all' || what === 'client') delete kept.client
    if (what === 'all' || what === 'tokens') delete kept.tokens
    if (what === 'all' || what === 'verifier') delete kept.verifier
    if (what === 'all' || what === 'discovery') delete kept.discovery
  },
}

let transport
let client

async function connect() {
  transport = new sdk.StreamableHTTPClientTransport(new URL(told.url), { authProvider: provider })
  client = new sdk.Client({ name: `typescript-${told.sdk}`, version: '1' }, told.options)
  await client.connect(transport)
}

/** Does something, and once more when the user has been asked. */
async function asked(deed) {
  const before = opened.length
  try {
    return await deed()
  } catch (error) {
    if (opened.length === before) throw error
    say({ open: opened.at(-1) })
    const answer = new URL(JSON.parse((await lines.next()).value))
    await (told.sdk === 1 ? transport.finishAuth(answer.searchParams.get('code')) : transport.finishAuth(answer.searchParams))
    return await deed()
  }
}

async function call(name, given = {}) {
  const result = await asked(() => client.callTool({ name, arguments: given }))
  return result.content[0].text
}

const deeds = {
  weather: () => call('weather'),
  report: () => call('report', { sky: 'grey' }), // needs more than the first token allows
  expired: () => { // the same once the token is over
    kept.tokens = { ...kept.tokens, access_token: 'expired' }
    return call('weather')
  },
}

const done = { said: [], scopes: [] }
await asked(connect)
done.tools = (await client.listTools()).tools.map((tool) => tool.name)
for (const name of told.deeds) {
  done.said.push(await deeds[name]())
  done.scopes.push(kept.tokens.scope)
}
done.client = kept.client
done.version = client.getNegotiatedProtocolVersion?.() ?? transport.protocolVersion
done.asked = opened.map((url) => Object.fromEntries(new URL(url).searchParams))
await client.close()
say({ done })
process.exit(0)
