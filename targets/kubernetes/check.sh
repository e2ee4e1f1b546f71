#!/usr/bin/env bash
# Checks the manifests against Kubernetes' own schemas, which PyPI's kubernetes-validate has, strictly: a key that a schema doesn't
# know is an error. Exit codes: 0 all are valid; 1 one isn't; 3 the schemas can't be had.
set -euo pipefail
cd "$(dirname "$0")"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
{ python3 -m venv "$work/venv" && "$work/venv/bin/pip" install -q 'kubernetes-validate==1.37.*'; } >&2 || {
    echo "check.sh: kubernetes-validate can't be had." >&2
    exit 3
}
for version in 1.28 1.37; do
    "$work/venv/bin/kubernetes-validate" --strict --kubernetes-version "$version" ./*.yaml
done
sh -n install.sh
