#!/usr/bin/env bash
# Pulls from and pushes to a real registry on loopback, which skopeo fills as well: Debian's docker-registry. Installs
# both as root on Debian or Ubuntu. Exit codes: 0 all passed; 1 something failed; 3 they can't be had here.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { # SENTENCE
    echo "registry.sh: $1" >&2
    exit 1
}

for program in docker-registry skopeo; do
    command -v "$program" >/dev/null && continue
    { [ "$(id -u)" -eq 0 ] && apt-get install -y -qq --no-install-recommends "$program" </dev/null >&2; } || {
        echo "registry.sh: $program is missing, and apt-get can't install it." >&2
        exit 3
    }
done
# Tests are built, which have the command built with the features that they were run with.
cargo test --release --workspace --features dunlin-cli/tls --test oci --no-run
dunlin=$PWD/${CARGO_TARGET_DIR:-target}/release/dunlin
hello=$PWD/examples/wasm/hello.wasm
policy=$PWD/examples/hosts/policy.wasm

work=$(mktemp -d)
servers=()
trap 'kill "${servers[@]}" 2>/dev/null || true; rm -rf "$work"' EXIT
cd "$work"
export DUNLIN_CACHE=$work/cache DOCKER_CONFIG=$work/docker
mkdir docker

start() { # NAME [AUTHENTICATION]: sets port
    port=$((20000 + RANDOM % 20000))
    cat >"$1.yml" <<YML
version: 0.1
storage: {filesystem: {rootdirectory: $work/$1}}
http: {addr: "127.0.0.1:$port"}
${2:-}
YML
    OTEL_TRACES_EXPORTER=none docker-registry serve "$1.yml" >"$1.log" 2>&1 &
    servers+=($!)
    for _ in $(seq 100); do
        if (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then return; fi
        sleep 0.1
    done
    fail "docker-registry doesn't start: $(tail -3 "$1.log")"
}

check() { # REFERENCE [OPTION...]
    [ "$("$dunlin" run "${@:2}" "oci://$1" Ada)" = "$expected" ] || fail "oci://$1 printed something else."
    "$dunlin" pull "${@:2}" "$1" -o pulled.wasm >/dev/null
    cmp -s pulled.wasm "$hello" || fail "what was pulled from $1 is something else."
    echo "registry.sh: $1 is what it should be"
}

# An OCI layout, made by hand.
put() { # FILE: says its digest and size, as a descriptor has them
    local digest
    digest=$(sha256sum "$1" | cut -d' ' -f1)
    mkdir -p layout/blobs/sha256
    cp "$1" "layout/blobs/sha256/$digest"
    printf '"digest":"sha256:%s","size":%s' "$digest" "$(stat -c %s "$1")"
}

image() { # OS ARCHITECTURE FILE: says the descriptor of an image with this program
    tar -czf layer.tar.gz --transform 's,.*/,,' -C / "${3#/}"
    printf '{"os":"%s","architecture":"%s","config":{"Entrypoint":["/%s"]},"rootfs":{"type":"layers","diff_ids":["sha256:%s"]}}' \
        "$1" "$2" "$(basename "$3")" "$(gunzip -c layer.tar.gz | sha256sum | cut -d' ' -f1)" >config.json
    printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json",%s},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip",%s}]}' \
        "$(put config.json)" "$(put layer.tar.gz)" >manifest.json
    printf '{"mediaType":"application/vnd.oci.image.manifest.v1+json",%s,"platform":{"os":"%s","architecture":"%s"}}' \
        "$(put manifest.json)" "$1" "$2"
}

expected=$("$dunlin" run "$hello" Ada)
start open
host=localhost:$port
skopeo() { command skopeo --insecure-policy "$@"; }

"$dunlin" push "$hello" "$host/user/hello:v1"
check "$host/user/hello:v1"
skopeo copy -q --src-tls-verify=false --dest-tls-verify=false "docker://$host/user/hello:v1" "docker://$host/copied:v1"
check "$host/copied:v1"

# An index with two platforms: what is for Linux is no module.
mkdir layout
echo '{"imageLayoutVersion":"1.0.0"}' >layout/oci-layout
echo "no module" >program
linux=$(image linux amd64 "$work/program")
wasip1=$(image wasip1 wasm "$hello")
index='{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":'
echo "$index[$linux,$wasip1]}" >both.json
echo "$index[{\"mediaType\":\"application/vnd.oci.image.index.v1+json\",$(put both.json)}]}" >layout/index.json
skopeo copy -q --all --dest-tls-verify=false oci:layout "docker://$host/image:v1"
check "$host/image:v1"
check "$host/image:v1" --offline

# Signatures, which this registry keeps no list of.
openssl genpkey -algorithm ed25519 -out key.pem 2>/dev/null
openssl pkey -in key.pem -pubout -out pub.pem
"$dunlin" push --sign-key key.pem "$hello" "$host/signed:v1"
check "$host/signed:v1" --verify-key pub.pem
! "$dunlin" run --verify-key pub.pem "oci://$host/copied:v1" 2>err || fail "what isn't signed ran."
grep -q "no signature" err || fail "it says: $(cat err)"

# A bundle of policies, as oras pushes it: the archive is the only layer.
mkdir -p bundle/admins
cp "$policy" bundle/policy.wasm
echo '["alice"]' >bundle/admins/data.json
tar -czf bundle.tar.gz -C bundle policy.wasm admins
echo '{}' >config.json
printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.cncf.openpolicyagent.config.v1+json",%s},"layers":[{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip",%s}]}' \
    "$(put config.json)" "$(put bundle.tar.gz)" >manifest.json
printf '{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json",%s}]}' \
    "$(put manifest.json)" >layout/index.json
roles=$host/policies/roles:v1
skopeo copy -q --dest-tls-verify=false oci:layout "docker://$roles"
echo '{"user":"alice"}' >input.json
[ "$("$dunlin" policy eval "oci://$roles" -e roles/allow -i input.json)" = '[{"result":true}]' ] ||
    fail "oci://$roles decided something else."
"$dunlin" pull "$roles" >/dev/null
cmp -s roles.tar.gz bundle.tar.gz || fail "what was pulled from $roles is something else."
"$dunlin" serve --addr 127.0.0.1:0 --access-log off "oci://$roles" 2>served &
servers+=($!)
until grep -q listening served; do sleep 0.1; done
exec 3<>"/dev/tcp/127.0.0.1/$(sed -n 's,.*http://127.0.0.1:,,p' served)"
printf 'GET /v1/data/roles/allow?input=%%7B%%22user%%22:%%22alice%%22%%7D HTTP/1.0\r\n\r\n' >&3
grep -q '^{"result":true}' <&3 || fail "oci://$roles answered something else."
exec 3>&-
echo "registry.sh: $roles is the policy that it should be"

# ann has the password secret.
# shellcheck disable=SC2016 # It is a hash.
echo 'ann:$2b$04$Nhg5hZyolcUI8xXynapLEOcgrbV/Cg8AoY5Igswq6N4/KhXmhfglu' >passwords
start guarded "auth: {htpasswd: {realm: us, path: $work/passwords}}"
host=localhost:$port
! "$dunlin" push "$hello" "$host/app:v1" 2>err || fail "a push without a password was taken."
grep -q "refuses access" err || fail "it says: $(cat err)"
printf '{"auths":{"%s":{"auth":"%s"}}}' "$host" "$(printf ann:secret | base64)" >docker/config.json
"$dunlin" push "$hello" "$host/app:v1"
check "$host/app:v1"
echo "registry.sh: all passed"
