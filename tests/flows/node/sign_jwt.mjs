// Signs the claims that stand in standard input, as JSON, by jose, once with each algorithm; writes the JWTs and the key
// sets that they are checked with. The issuer of each is called after its algorithm.
import { readFileSync } from "node:fs";
import { exportJWK, generateKeyPair, SignJWT } from "jose";

const { algorithms, claims } = JSON.parse(readFileSync(0, "utf8"));
const signed = {};
for (const algorithm of algorithms) {
  const { publicKey, privateKey } = await generateKeyPair(algorithm);
  const jwt = new SignJWT({ ...claims, iss: `${claims.iss}/${algorithm}` });
  signed[algorithm] = {
    jwt: await jwt.setProtectedHeader({ alg: algorithm, kid: "jose" }).sign(privateKey),
    jwks: { keys: [{ ...(await exportJWK(publicKey)), kid: "jose", alg: algorithm, use: "sig" }] },
  };
}
console.log(JSON.stringify(signed));
