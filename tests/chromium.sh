# Shell functions that find, or install where they may, a real Chromium and the ChromeDriver that goes with it.
# Sourced by `tests/run` after `tests/services.sh`, whose `say` and `fail` it uses.
# shellcheck shell=bash

chromium_missing="no Chromium with its ChromeDriver: on Debian, apt-get install chromium chromium-driver;
elsewhere install both and give AMVAJ_TEST_CHROMIUM and AMVAJ_TEST_CHROMEDRIVER.
The tests of /graphiql and / are never skipped for want of a browser."

# Exports the paths of both when they are here; whether they are is the answer.
chromium_find() {
  AMVAJ_TEST_CHROMIUM=${AMVAJ_TEST_CHROMIUM:-$(first_that_runs chromium chromium-browser google-chrome)}
  AMVAJ_TEST_CHROMEDRIVER=${AMVAJ_TEST_CHROMEDRIVER:-$(first_that_runs chromedriver)}
  [[ -n $AMVAJ_TEST_CHROMIUM && -n $AMVAJ_TEST_CHROMEDRIVER ]] || return 1
  export AMVAJ_TEST_CHROMIUM AMVAJ_TEST_CHROMEDRIVER
}

# The same, installing them first where that is allowed; fails with a sentence that says what to do.
chromium_require() {
  chromium_find && return
  if [[ $(id -u) == 0 ]] && command -v apt-get >/dev/null; then
    say 'installing chromium and chromium-driver'
    install_chromium >&2 || say 'apt-get could not install chromium and chromium-driver'
    chromium_find && return
  fi
  fail "$chromium_missing"
}

# Ubuntu's package of this name is only a sign to another shop, which does not run in a container; so what is found is
# also asked for its version.
first_that_runs() {
  local name path
  for name in "$@"; do
    path=$(command -v "$name") || continue
    if "$path" --version >/dev/null 2>&1; then
      echo "$path"
      return
    fi
  done
}

install_chromium() (
  set -e
  export DEBIAN_FRONTEND=noninteractive
  apt-get update -qq
  apt-get install -y -qq --no-install-recommends chromium chromium-driver
)
