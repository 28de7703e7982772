#!/usr/bin/env bash
# Runs a command with TEST_DATABASE_URL pointing at a throw-away cluster of the installed (Debian) PostgreSQL.
set -euo pipefail

bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | head -n 1)
# In memory, where there is room: a database is made for each test.
memory=$(df --output=avail --block-size=1G /dev/shm 2>/dev/null | tail -n 1 || echo 0)
folder=$(if [ "$memory" -ge 4 ]; then mktemp -d -p /dev/shm; else mktemp -d; fi)
port=$(node -e 'const s = require("node:net").createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); s.close(); })')
as() { if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }
if [ "$(id -u)" = 0 ]; then chown postgres "$folder"; fi

cleanup() {
  as "$bin/pg_ctl" -D "$folder/data" -m immediate -w stop >/dev/null 2>&1 || true
  rm -rf "$folder"
}
trap cleanup EXIT

cd /
as "$bin/initdb" -D "$folder/data" -U postgres --auth=trust --encoding=UTF8 --locale=C >/dev/null
as "$bin/pg_ctl" -D "$folder/data" -w -l "$folder/log" \
  -o "-p $port -c listen_addresses=127.0.0.1 -c unix_socket_directories= -c fsync=off -c full_page_writes=off -c max_connections=300" start >/dev/null
cd "$OLDPWD"
"$bin/postgres" --version
TEST_DATABASE_URL="postgres://postgres@127.0.0.1:$port/postgres" "$@"
