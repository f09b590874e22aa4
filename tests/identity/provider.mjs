// An OpenID provider on this machine (oidc-provider), whose keys can be changed, and which can go away and come back.
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:https";
import { exportJWK, generateKeyPair } from "jose";
import { Provider } from "oidc-provider";

const file = (name) => new URL(name, import.meta.url).pathname;
/** Who vouches for it. */
export const AUTHORITY = file("authority.pem");
export const SHOP = "https://shop.example.com";
const ALGORITHMS = ["RS256", "ES256", "EdDSA"];
// A service's token is of the service itself: each is another subject.
const CLIENTS = ["ada", "bob", "eve", "RS256", "ES256", "EdDSA"];

/** A private key as JWK, with a name that says which it is. */
export async function newKey(algorithm, name) {
  const { privateKey } = await generateKeyPair(algorithm, { extractable: true });
  return { ...(await exportJWK(privateKey)), kid: name, use: "sig", alg: algorithm };
}

export const newKeys = (name) =>
  Promise.all(ALGORITHMS.map((algorithm) => newKey(algorithm, `${name}-${algorithm}`)));

export class IdentityProvider {
  /** How often each path was asked for. */
  asked = {};

  async start(keys) {
    const certificate = { key: readFileSync(file("server.key")), cert: readFileSync(file("server.pem")) };
    this.server = createServer(certificate, (request, response) => {
      const path = new URL(request.url, this.issuer).pathname;
      this.asked[path] = (this.asked[path] ?? 0) + 1;
      this.answer(request, response);
    });
    await this.comesBack();
    this.issuer = `https://localhost:${this.port}`;
    this.changesItsKeys(keys);
  }

  changesItsKeys(keys) {
    this.keys = keys;
    const provider = new Provider(this.issuer, {
      jwks: { keys },
      clients: CLIENTS.map((name) => ({
        client_id: name,
        client_secret: `secret of ${name}`,
        grant_types: ["client_credentials"],
        redirect_uris: [],
        response_types: [],
      })),
      features: {
        devInteractions: { enabled: false },
        clientCredentials: { enabled: true },
        resourceIndicators: {
          enabled: true,
          getResourceServerInfo: (_, resource, client) => ({
            scope: "shop",
            audience: resource,
            accessTokenTTL: 600,
            accessTokenFormat: "jwt",
            jwt: { sign: { alg: ALGORITHMS.includes(client.clientId) ? client.clientId : "RS256" } },
          }),
        },
      },
      extraTokenClaims: (_, token) => (token.clientId === "eve" ? { shop: { roles: ["manager"] } } : {}),
    });
    this.answer = provider.callback();
  }

  /** An access token of this client for whom it is for, as the provider issues it. */
  async token(name, resource = SHOP) {
    const credentials = Buffer.from(`${name}:${encodeURIComponent(`secret of ${name}`)}`).toString("base64");
    const response = await fetch(`${this.issuer}/token`, {
      method: "POST",
      // None that is kept: the server goes away now and then.
      headers: { authorization: `Basic ${credentials}`, connection: "close" },
      body: new URLSearchParams({ grant_type: "client_credentials", scope: "shop", resource }),
    });
    const answer = await response.json();
    if (!response.ok) throw new Error(`no token: ${JSON.stringify(answer)}`);
    return answer.access_token;
  }

  async goesAway() {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, "close");
  }

  async comesBack() {
    this.server.listen(this.port ?? 0, "127.0.0.1");
    await once(this.server, "listening");
    this.port = this.server.address().port;
  }
}
