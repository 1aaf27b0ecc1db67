"""Makes keys.json, values.json and documents.json: sealed by others, to be opened by us.

    make.py MAKE_KEYS KUBESEAL

MAKE_KEYS: the program built from tests/peers/sealed-secrets/make-keys; KUBESEAL: the reference's. Needs the Python
packages kubesealpy and aes-gcm-rsa-oaep. `cargo xtask vectors` brings all of these together. The keys are test keys.
"""

import base64
import json
import pathlib
import subprocess
import sys
import tempfile

import aes_gcm_rsa_oaep
from cryptography import x509
from kubesealpy import crypto as kubesealpy_crypto

HERE = pathlib.Path(__file__).parent
MAKE_KEYS, KUBESEAL = sys.argv[1:]
SCOPES = ["strict", "namespace-wide", "cluster-wide"]
NAMESPACE, NAME = "default", "cc.ccloud-secrets"

PLAINTEXTS = {
    "empty": b"",
    "one byte": b"x",
    "jaas": b'sasl.jaas.config=org.apache.kafka.common.security.plain.PlainLoginModule required username="K+/=" password="s;e=c";\n',
    "non-ascii": "pässwörd ☃ 密\n".encode(),
    "binary": bytes(range(256)),
    "long": b"0123456789abcdef" * 4096,
}

DOCUMENTS = {
    "opaque": """
apiVersion: v1
kind: Secret
metadata: {name: connect-operator-secrets, namespace: default, labels: {app: connect}, annotations: {note: "a <b> & c"}}
stringData: {MYSQL_CONNECTION_USER: root, MYSQL_CONNECTION_PASSWORD: 'Go"Kafka;='}
data: {EMPTY: "", BINARY: AAECA//+}
""",
    "dockerconfigjson": """
apiVersion: v1
kind: Secret
metadata: {name: pull, namespace: kafka}
type: kubernetes.io/dockerconfigjson
immutable: true
stringData: {.dockerconfigjson: '{"auths":{}}'}
""",
    "namespace-wide": """
apiVersion: v1
kind: Secret
metadata: {name: scoped, namespace: kafka, annotations: {sealedsecrets.bitnami.com/namespace-wide: "true"}}
stringData: {key: value}
""",
    "cluster-wide": """
apiVersion: v1
kind: Secret
metadata: {name: scoped, annotations: {sealedsecrets.bitnami.com/cluster-wide: "true"}}
stringData: {key: value}
""",
}


def label(scope):
    return {"strict": f"{NAMESPACE}/{NAME}", "namespace-wide": NAMESPACE, "cluster-wide": ""}[scope].encode()


def run(command, stdin=b""):
    return subprocess.run(command, input=stdin, check=True, capture_output=True).stdout


def reference(certificate, scope, plaintext):
    raw = [KUBESEAL, "--raw", "--cert", certificate, "--scope", scope, "--namespace", NAMESPACE, "--name", NAME]
    return run(raw + ["--from-file=/dev/stdin"], plaintext).decode()


def text(sealed):
    return base64.b64encode(sealed).decode()


def write(name, value):
    (HERE / name).write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n")


def main():
    # The keys stay once they are made: the worked example of docs/format.md is computed with one of them.
    kept = HERE / "keys.json"
    keys = json.loads(run([MAKE_KEYS])) | (json.loads(kept.read_bytes()) if kept.exists() else {})
    made_by = {"reference": run([KUBESEAL, "--version"]).decode().strip()}
    values, documents = [], []
    with tempfile.TemporaryDirectory() as folder:
        for key, pair in keys.items():
            if key == "other":
                continue
            certificate = pathlib.Path(folder, key + ".crt")
            certificate.write_text(pair["certificate"])
            public = x509.load_pem_x509_certificate(certificate.read_bytes()).public_key()
            sealers = {
                "reference": lambda scope, plaintext: reference(certificate, scope, plaintext),
                "kubesealpy 1.0.1": lambda scope, plaintext: text(
                    kubesealpy_crypto.encrypt(plaintext, public, label(scope))
                ),
                "aes-gcm-rsa-oaep 0.1.0": lambda scope, plaintext: text(
                    aes_gcm_rsa_oaep.encrypt(plaintext, public, label(scope) or None)
                ),
            }
            for sealer, seal in sealers.items():
                for scope in SCOPES:
                    for name, plaintext in PLAINTEXTS.items():
                        if name == "long" and (key, scope) != ("rsa4096", "strict"):
                            continue
                        values.append(
                            {
                                "sealer": made_by.get(sealer, sealer),
                                "key": key,
                                "scope": scope,
                                "plaintext": text(plaintext),
                                "sealed": seal(scope, plaintext),
                            }
                        )
            for name, manifest in DOCUMENTS.items():
                for form in ["json", "yaml"]:
                    sealed = run([KUBESEAL, "--cert", certificate, "-o", form], manifest.encode()).decode()
                    documents.append({"name": name, "key": key, "secret": manifest, "sealed": sealed})
    write("keys.json", keys)
    write("values.json", {"namespace": NAMESPACE, "name": NAME, "values": values})
    write("documents.json", {"sealer": made_by["reference"], "documents": documents})


main()
