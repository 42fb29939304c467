// oidc-provider as a college would run it: the device flow, rotating refresh tokens, its own pages.
//
//   node server.js MODULES ORIGIN ADDRESS CERTIFICATE KEY CONTROL-SOCKET
//
// MODULES is the folder that has node_modules. Prints "ready ORIGIN", and ends at SIGTERM or when its
// standard input ends. Orders come over the control socket, one JSON object each (see control()).
// On purpose nothing here is of ours but the directory: what a provider answers is the package's.
import crypto from 'node:crypto';
import fs from 'node:fs';
import http from 'node:http';
import https from 'node:https';
import { pathToFileURL } from 'node:url';

const [MODULES, ORIGIN, ADDRESS, CERTIFICATE, KEY, CONTROL] = process.argv.slice(2);
const { default: Provider } = await import(
  pathToFileURL(`${MODULES}/node_modules/oidc-provider/lib/index.js`).href);

// --- the directory: by immutable id ------------------------------------------------------------

const people = new Map(); // id -> { username, name, groups, disabled }
const grants = new Map(); // id -> its grants
const events = []; // what the token endpoint did: { id, grant_type, error, detail }

async function findAccount(ctx, id) {
  const person = people.get(id);
  if (!person || person.disabled) return undefined;
  return {
    accountId: id,
    claims: async () => ({
      sub: id,
      preferred_username: person.username,
      name: person.name,
      groups: person.groups,
    }),
  };
}

// --- the provider ------------------------------------------------------------------------------

const signingKey = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 })
  .privateKey.export({ format: 'jwk' });
const device = 'urn:ietf:params:oauth:grant-type:device_code';

const provider = new Provider(ORIGIN, {
  clients: [{
    client_id: 'rcpch-host',
    application_type: 'native',
    token_endpoint_auth_method: 'none',
    grant_types: [device, 'authorization_code', 'refresh_token'],
    response_types: ['code'],
    redirect_uris: ['http://localhost'],
  }],
  findAccount,
  features: { deviceFlow: { enabled: true } },
  claims: { openid: ['sub'], profile: ['name', 'preferred_username', 'groups'] },
  conformIdTokenClaims: false, // the claims of `profile` are in the ID token
  rotateRefreshToken: true,
  jwks: { keys: [{ ...signingKey, kid: 'one', alg: 'RS256', use: 'sig' }] },
  cookies: { keys: [crypto.randomBytes(32).toString('hex')] },
});

function note(ctx, error) {
  const { params, entities } = ctx.oidc;
  const id = entities.Account?.accountId;
  if (id && entities.Grant) grants.set(id, (grants.get(id) ?? new Set()).add(entities.Grant.jti));
  events.push({
    id,
    grant_type: params?.grant_type,
    error: error?.error,
    detail: error?.error_detail,
    rotated: entities.RotatedRefreshToken !== undefined,
  });
}

provider.on('grant.success', (ctx) => note(ctx));
provider.on('grant.error', (ctx, error) => note(ctx, error));
provider.on('server_error', (ctx, error) => process.stderr.write(`${error.stack}\n`));

async function revoke(id) {
  for (const grant of grants.get(id) ?? []) {
    await provider.RefreshToken.revokeByGrantId(grant);
    await provider.AccessToken.revokeByGrantId(grant);
    await provider.Grant.adapter.destroy(grant);
  }
  grants.delete(id);
}

// --- orders ------------------------------------------------------------------------------------

// {"person": {"id", …}} adds or changes one; {"delete": id}; {"revoke": id}; {} only asks.
async function control(order) {
  if (order.person) {
    people.set(order.person.id, { ...people.get(order.person.id), ...order.person });
  }
  if (order.delete) people.delete(order.delete);
  if (order.revoke) await revoke(order.revoke);
  return { events };
}

http.createServer(async (request, response) => {
  let text = '';
  for await (const part of request) text += part;
  response.end(JSON.stringify(await control(JSON.parse(text))));
}).listen(CONTROL);

const [, host, port] = /^(.*):(\d+)$/.exec(ADDRESS);
https.createServer({ cert: fs.readFileSync(CERTIFICATE), key: fs.readFileSync(KEY) },
  provider.callback()).listen(Number(port), host.replace(/[[\]]/g, ''), () => {
  process.stdout.write(`ready ${ORIGIN}\n`);
});

process.stdin.on('end', () => process.exit(0)).resume();
process.on('SIGTERM', () => process.exit(0));
