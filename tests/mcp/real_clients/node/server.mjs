// An MCP server by one of the two TypeScript SDKs, behind tokens of an OAuth server that it asks about each (RFC 7662).
// Its argument, JSON: `sdk` (1 or 2), `port`, `issuer`, `client_id` and `client_secret` to ask with.

import express from 'express'

const told = JSON.parse(process.argv[2])
const url = new URL(`http://127.0.0.1:${told.port}/mcp`)
const about = await (await fetch(`${told.issuer}/.well-known/oauth-authorization-server`)).json()

const { McpServer, bearer, router, metadataUrl, Transport, invalid } = told.sdk === 1 ? await first() : await second()

async function first() {
  const { InvalidTokenError } = await import('@modelcontextprotocol/sdk/server/auth/errors.js')
  const { mcpAuthMetadataRouter, getOAuthProtectedResourceMetadataUrl } = await import('@modelcontextprotocol/sdk/server/auth/router.js')
  return {
    ...(await import('@modelcontextprotocol/sdk/server/mcp.js')),
    bearer: (await import('@modelcontextprotocol/sdk/server/auth/middleware/bearerAuth.js')).requireBearerAuth,
    router: mcpAuthMetadataRouter,
    metadataUrl: getOAuthProtectedResourceMetadataUrl,
    Transport: (await import('@modelcontextprotocol/sdk/server/streamableHttp.js')).StreamableHTTPServerTransport,
    invalid: (why) => new InvalidTokenError(why),
  }
}

async function second() {
  const { McpServer, OAuthError, OAuthErrorCode } = await import('@modelcontextprotocol/server')
  const ours = await import('@modelcontextprotocol/express')
  return {
    McpServer,
    bearer: ours.requireBearerAuth,
    router: ours.mcpAuthMetadataRouter,
    metadataUrl: ours.getOAuthProtectedResourceMetadataUrl,
    Transport: (await import('@modelcontextprotocol/node')).NodeStreamableHTTPServerTransport,
    invalid: (why) => new OAuthError(OAuthErrorCode.InvalidToken, why),
  }
}

async function verifyAccessToken(token) {
  const answer = await fetch(about.introspection_endpoint, {
    method: 'POST',
    headers: { Authorization: `Basic ${Buffer.from(`${told.client_id}:${told.client_secret}`).toString('base64')}` },
    body: new URLSearchParams({ token }),
  })
  const found = await answer.json()
  if (!found.active || ![found.aud].flat().includes(url.href)) throw invalid('That token is not for this server.')
  return { token, clientId: found.client_id, scopes: found.scope.split(' '), expiresAt: found.exp, extra: { subject: found.sub } }
}

const app = express()
app.use(express.json())
app.use(router({ oauthMetadata: about, resourceServerUrl: url, scopesSupported: ['weather:read'] }))
const guard = bearer({ verifier: { verifyAccessToken }, requiredScopes: ['weather:read'], resourceMetadataUrl: metadataUrl(url) })
app.post('/mcp', guard, async (request, response) => {
  const server = new McpServer({ name: 'weather', version: '1' })
  server.registerTool('weather', { description: 'Tell the weather' }, (context) => {
    const { extra, clientId } = context.authInfo ?? context.http.authInfo
    return { content: [{ type: 'text', text: `The sky is clear, ${extra.subject}, who uses ${clientId}.` }] }
  })
  const transport = new Transport({ sessionIdGenerator: undefined })
  response.on('close', () => { transport.close(); server.close() })
  await server.connect(transport)
  await transport.handleRequest(request, response, request.body)
})
app.all('/mcp', (_, response) => response.status(405).end())
app.listen(told.port, '127.0.0.1')
