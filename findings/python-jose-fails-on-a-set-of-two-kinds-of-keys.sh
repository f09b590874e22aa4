#!/usr/bin/env bash
# Expected: python-jose checks a token with a provider's set of keys (JWKS) by the key that the token names (`kid`), or
# by those of the right kind.
# Seen: it tries them in the order of the set and raises JWKError at the first of another kind: with an RSA and an EC
# key, tokens of the one that stands second are refused. joserfc and PyJWT take the right one.
# Versions: PyPI python-jose 3.5.0, joserfc 1.8.0, PyJWT 2.15.1, cryptography 50.0.2. Run on 2026-11-29.
# Concerns whoever's provider moves from RS256 to ES256: once it publishes the new key, old or new tokens fail.
set -euo pipefail
t=$(mktemp -d)
trap 'rm -rf "$t"' EXIT
python3 -m venv "$t/v"
"$t/v/bin/pip" install -q --disable-pip-version-check 'python-jose[cryptography]==3.5.0' joserfc==1.8.0 \
  PyJWT==2.15.1 cryptography==50.0.2
seen=$("$t/v/bin/python" - <<'P'
import jose.jwt, joserfc.jwt, jwt
from joserfc.jwk import ECKey, KeySet, RSAKey
rsa = RSAKey.generate_key(2048, {"kid": "rsa", "use": "sig", "alg": "RS256"})
ec = ECKey.generate_key("P-256", {"kid": "ec", "use": "sig", "alg": "ES256"})
algorithms = ["RS256", "ES256"]
readers = {
    "python-jose": lambda token, keys: jose.jwt.decode(token, keys, algorithms=algorithms),
    "joserfc": lambda token, keys: joserfc.jwt.decode(token, KeySet.import_key_set(keys), algorithms=algorithms).claims,
    "PyJWT": lambda token, keys: jwt.decode(
        token, jwt.PyJWKSet.from_dict(keys)[jwt.get_unverified_header(token)["kid"]], algorithms=algorithms),
}
keys = {"keys": [key.as_dict(private=False) for key in [rsa, ec]]}
for name, read in readers.items():
    for key in [rsa, ec]:
        token = joserfc.jwt.encode({"alg": key.alg, "kid": key.kid}, {"sub": "customer"}, key)
        try: seen = read(token, keys)["sub"]
        except jose.JOSEError as error: seen = f"{type(error).__name__}: {error}"
        print(name, key.alg, seen)
P
)
echo "$seen"
[ "$seen" = "python-jose RS256 customer
python-jose ES256 JWKError: Incorrect key type. Expected: 'EC', Received: RSA
joserfc RS256 customer
joserfc ES256 customer
PyJWT RS256 customer
PyJWT ES256 customer" ] || { echo "changed: sets of keys are read otherwise"; exit 1; }
