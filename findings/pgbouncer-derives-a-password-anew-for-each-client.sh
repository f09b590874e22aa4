#!/usr/bin/env bash
# Expected: PgBouncer derives SCRAM keys from a password in its auth_file once, or for each client at no great cost.
# Seen: it derives them for every client that signs in, 4096 rounds in its only thread, in which nobody else's statement
# moves: twenty times the processor time of a client whose user has a SCRAM verifier in the file (as pg_authid has).
# Versions: Debian 12 pgbouncer 1.18.0, PyPI psycopg 3.3.9. Run on 2026-11-30: 2.56 ms and 0.14.
# Concerns whoever puts it in front of serverless functions: a hundred environments that start are a hundred clients.
set -euo pipefail
t=$(mktemp -d); pooler=
trap '{ kill -INT "$pooler" && wait "$pooler" || true; } 2>/dev/null; rm -rf "$t"' EXIT
python3 -m venv "$t/v"
"$t/v/bin/pip" install -q --disable-pip-version-check 'psycopg[binary]==3.3.9'
(
  cd "$t"
  apt-get download -q pgbouncer libevent-2.1-7 libc-ares2 >/dev/null 2>&1
  for package in *.deb; do dpkg -x "$package" deb; done
)
chmod -R a+rX "$t"; mkdir "$t/run"
user=()
if [ "$(id -u)" = 0 ]; then  # It does not run as root.
  chown 65534:65534 "$t/run"
  user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
fi
python3 - >"$t/users" <<'P'
import base64, hashlib, hmac
salted = hashlib.pbkdf2_hmac("sha256", b"correct horse", b"salt of 16 bytes", 4096)
key = lambda name: hmac.digest(salted, name, "sha256")
b64 = lambda data: base64.b64encode(data).decode()
verifier = f"SCRAM-SHA-256$4096:{b64(b'salt of 16 bytes')}${b64(hashlib.sha256(key(b'Client Key')).digest())}:{b64(key(b'Server Key'))}"
print(f'"password" "correct horse"\n"verifier" "{verifier}"')
P
cat >"$t/ini" <<I
[databases]
[pgbouncer]
listen_addr =
unix_socket_dir = $t/run
listen_port = 6432
auth_type = scram-sha-256
auth_file = $t/users
admin_users = password, verifier
I
export LD_LIBRARY_PATH=$t/deb/usr/lib/x86_64-linux-gnu
"${user[@]}" "$t/deb/usr/sbin/pgbouncer" "$t/ini" >"$t/log" 2>&1 & pooler=$!
seen=$(
  "$t/deb/usr/sbin/pgbouncer" --version | head -1
  LD_LIBRARY_PATH= timeout 120 "$t/v/bin/python" - "$t/run" "$pooler" <<'P'
import psycopg, sys, time
folder, pid = sys.argv[1:]
def sign_in(user):
    # Its own console, so that no server has a part in it.
    psycopg.connect(host=folder, port=6432, user=user, password="correct horse", dbname="pgbouncer", autocommit=True).close()
for _ in range(100):
    try: sign_in("verifier"); break
    except psycopg.OperationalError: time.sleep(0.1)
def spent():  # nanoseconds on a processor
    return int(open(f"/proc/{pid}/schedstat").read().split()[0])
def of(user):
    before = spent()
    for _ in range(300): sign_in(user)
    return (spent() - before) / 300 / 1e6
verifier, password = of("verifier"), of("password")
print(f"a client: {password:.2f} ms by the password, {verifier:.2f} ms by the verifier", file=sys.stderr)
print("more than eight times" if password > 8 * verifier else f"{password / verifier:.1f} times")
P
)
echo "$seen"
[ "$seen" = $'PgBouncer 1.18.0\nmore than eight times' ] || { echo "changed: signing in costs the pooler otherwise"; exit 1; }
