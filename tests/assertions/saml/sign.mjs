// Signs the assertion that stands in standard input, as JSON, by a library of npm; writes the signed document.
import { readFileSync } from "node:fs";

const { library, xml, key, certificate } = JSON.parse(readFileSync(0, "utf8"));
const rsaSha256 = "http://www.w3.org/2001/04/xmldsig-more#rsa-sha256";
const exclusive = "http://www.w3.org/2001/10/xml-exc-c14n#";
const assertion = "//*[local-name(.)='Assertion']";

async function byXmlCrypto() {
  const { SignedXml } = await import("xml-crypto");
  const signer = new SignedXml({
    privateKey: key, publicCert: certificate, signatureAlgorithm: rsaSha256, canonicalizationAlgorithm: exclusive,
    idAttribute: "ID",
  });
  signer.addReference({
    xpath: assertion,
    digestAlgorithm: "http://www.w3.org/2001/04/xmlenc#sha256",
    transforms: ["http://www.w3.org/2000/09/xmldsig#enveloped-signature", exclusive],
  });
  signer.computeSignature(xml, { prefix: "ds", location: { reference: "//*[local-name(.)='Issuer']", action: "after" } });
  return signer.getSignedXml();
}

async function bySamlify() {
  const { default: samlify } = await import("samlify");
  return samlify.SamlLib.constructSAMLSignature({
    rawSamlMessage: xml, referenceTagXPath: assertion, privateKey: key, signatureAlgorithm: rsaSha256,
    signingCert: certificate.replace(/-----[^-]+-----|\s/g, ""), isBase64Output: false,
    signatureConfig: {
      prefix: "ds",
      location: { reference: "/*[local-name(.)='Response']/*[local-name(.)='Assertion']/*[local-name(.)='Issuer']", action: "after" },
    },
  });
}

process.stdout.write(await (library === "samlify" ? bySamlify() : byXmlCrypto()));
