"""kubesealpy as a filter: one manifest in JSON on stdin, one on stdout.

    peer.py seal CERTIFICATE SCOPE     a Secret becomes a SealedSecret
    peer.py unseal PRIVATE_KEY SCOPE   a SealedSecret becomes a Secret (PRIVATE_KEY: a PEM file)

SCOPE is strict, namespace-wide or cluster-wide.
"""

import base64
import json
import sys

from kubesealpy import SealedSecret, Sealer, SealingScope, Unsealer


def seal(certificate, scope, manifest):
    metadata = manifest["metadata"]
    data = {key: base64.b64decode(value) for key, value in manifest.get("data", {}).items()}
    sealed = Sealer.from_certificate_file(certificate).seal(
        metadata["name"], metadata["namespace"], data, scope=scope, secret_type=manifest.get("type", "Opaque")
    )
    return sealed.model_dump(by_alias=True, exclude_none=True, mode="json")


def unseal(private_key, scope, manifest):
    sealed = SealedSecret.model_validate(manifest)
    secret = Unsealer.from_private_key_file(private_key).unseal(sealed, scope=scope)
    return secret.model_dump(by_alias=True, exclude_none=True, mode="json")


if __name__ == "__main__":
    verb, pem, scope = sys.argv[1:]
    act = {"seal": seal, "unseal": unseal}[verb]
    json.dump(act(pem, SealingScope(scope), json.load(sys.stdin)), sys.stdout)
