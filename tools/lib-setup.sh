# shellcheck shell=bash
# lib-setup.sh - what try, check and the benches need before they start: packages, a build, swap. Sourced, not run.
#
# Whatever it changes for the time of the run (swap, a policy-rc.d) is changed back by clean_up, which the
# caller's trap runs on success, failure and Ctrl-C alike.

# shellcheck disable=SC2034  # read by those who source this
readonly kBuildPackages=(cmake ninja-build g++ libjemalloc-dev liburing-dev libspdlog-dev libcli11-dev
  nlohmann-json3-dev libncurses-dev libgtest-dev libgmock-dev libbenchmark-dev python3)
# shellcheck disable=SC2034
readonly kCheckPackages=(clang-14 clang-format-14 clang-tidy-14 libclang-rt-14-dev shellcheck sqlite3 redis-server
  git gcc util-linux perl xz-utils file openssh-client binutils postgresql nodejs
  openjdk-17-jdk-headless stress-ng valgrind)

swap_was_added=no
policy_was_added=no

is_root() { [[ $EUID -eq 0 ]]; }

say() { printf '%s\n' "$*"; }

die() {
  printf '%s\n' "$*" >&2
  exit 1
}

# Prints those of the packages given that are not installed.
missing_packages() {
  local package
  for package in "$@"; do
    [[ $(dpkg-query -W -f='${Status}' "$package" 2>/dev/null) == *' installed' ]] || printf '%s\n' "$package"
  done
}

# Debian starts a server as soon as its package is installed; this file is how one says no.
forbid_services() {
  if [[ ! -e /usr/sbin/policy-rc.d ]]; then
    printf '#!/bin/sh\nexit 101\n' >/usr/sbin/policy-rc.d
    chmod 755 /usr/sbin/policy-rc.d
    policy_was_added=yes
  fi
}

allow_services() {
  if [[ $policy_was_added == yes ]]; then
    rm -f /usr/sbin/policy-rc.d
    policy_was_added=no
  fi
}

install_now() {
  local log
  log=$(mktemp)
  say "Installing: $*"
  forbid_services
  if ! { apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends "$@"; } \
    >"$log" 2>&1 </dev/null; then
    tail -20 "$log" >&2
    rm -f "$log"
    allow_services
    return 1
  fi
  rm -f "$log"
  allow_services
  # Nor may a server that is here for the tests start with the machine from now on.
  if [[ " $* " == *' redis-server '* ]] && command -v systemctl >/dev/null; then
    systemctl disable redis-server >/dev/null 2>&1 || true
  fi
}

# need_packages required|optional PACKAGE...: installs what is missing, or says the command that would.
need_packages() {
  local kind=$1 missing
  shift
  command -v dpkg-query >/dev/null || return 0 # not Debian: the build says what it lacks
  mapfile -t missing < <(missing_packages "$@")
  [[ ${#missing[@]} -gt 0 ]] || return 0
  if is_root && install_now "${missing[@]}"; then
    return 0
  fi
  if [[ $kind == required ]]; then
    die "Needed first: sudo apt-get install --no-install-recommends ${missing[*]}"
  fi
  say "Not installed (what needs them is skipped): sudo apt-get install --no-install-recommends ${missing[*]}"
}

# Builds one preset, or only the targets named. Quiet unless it fails.
build_preset() {
  local preset=$1 log
  shift
  log=$(mktemp)
  local targets=()
  [[ $# -eq 0 ]] || targets=(--target "$@")
  if ! { cmake --preset "$preset" && cmake --build --preset "$preset" "${targets[@]}"; } >"$log" 2>&1 </dev/null; then
    tail -40 "$log" >&2
    rm -f "$log"
    return 1
  fi
  rm -f "$log"
}

have_swap() { [[ $(awk '/^SwapTotal:/ {print $2}' /proc/meminfo) -gt 0 ]]; }

# Swap for the time of the run, if there is none. Without it one line says what that costs; 1: there is none.
borrow_swap() {
  have_swap && return 0
  local answer
  if is_root && answer=$(build/release/bin/weir swap add 2>&1 </dev/null); then
    swap_was_added=yes
    say "Swap for the time of this run: ${answer##*$'\n'}"
    return 0
  fi
  say "No swap: $1 (root mends it: build/release/bin/weir swap add)"
  return 1
}

return_swap() {
  if [[ $swap_was_added == yes ]]; then
    build/release/bin/weir swap rm >/dev/null 2>&1 || say "Swap stays: build/release/bin/weir swap rm failed"
    swap_was_added=no
  fi
}

clean_up() {
  return_swap
  allow_services
}
