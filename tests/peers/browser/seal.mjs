// Seals the texts of a Secret with @linode/kubeseal-encrypt, which knows the scope of a namespace alone.
//
//     node seal.mjs MODULES CERTIFICATE < secret.json > sealed.json

import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";

const [modules, certificate] = process.argv.slice(2);
const require = createRequire(join(modules, "package.json"));
const { encryptSecretItem } = require("@linode/kubeseal-encrypt");

const secret = JSON.parse(readFileSync(0, "utf8"));
const publicKey = new X509Certificate(readFileSync(certificate)).publicKey.export({ type: "spki", format: "pem" });
const metadata = { ...secret.metadata, annotations: { "sealedsecrets.bitnami.com/namespace-wide": "true" } };
const encryptedData = {};
for (const [item, value] of Object.entries(secret.data)) {
  encryptedData[item] = await encryptSecretItem(publicKey, metadata.namespace, Buffer.from(value, "base64").toString("utf8"));
}
console.log(JSON.stringify({
  apiVersion: "bitnami.com/v1alpha1",
  kind: "SealedSecret",
  metadata,
  spec: { encryptedData, template: { metadata, type: secret.type } },
}));
