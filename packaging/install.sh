#!/bin/sh
# Installs Bantam from a folder of a release: downloads the archive for this machine, checks it against SHA256SUMS, and
# puts the executable, man pages and completions below ~/.local, or below /usr/local as root. It never asks for rights.
set -eu

usage() {
  cat <<END
Usage: install.sh [--version VERSION] [--prefix FOLDER] [BASE_URL]
       install.sh --uninstall [--prefix FOLDER]

BASE_URL, or BANTAM_BASE_URL in the environment, is the address of the folder that holds SHA256SUMS and the archives.

  --version VERSION  that version; otherwise the one that is there
  --prefix FOLDER    where bin and share are (default: ~/.local; as root /usr/local)
  --uninstall        remove what this script has installed; settings and data stay

Examples:
  sh install.sh https://downloads.example.org/bantam
  BANTAM_BASE_URL=https://downloads.example.org/bantam sh install.sh --version 0.1.0
  sudo sh install.sh --uninstall --prefix /usr/local
END
}

say() {
  printf '%s\n' "$*"
}

refuse() {
  printf 'install.sh: %s\n' "$*" >&2
  exit 1
}

# All of it stands in functions, and the last line calls them: of a script that came but in part nothing is run.
main() {
  # As root for everyone, folders as well.
  umask 022
  base=${BANTAM_BASE_URL:-}
  version=
  prefix=
  action=install
  while [ $# -gt 0 ]; do
    case $1 in
    --version | --prefix)
      [ $# -ge 2 ] || refuse "$1 needs a value; see --help"
      if [ "$1" = --version ]; then version=$2; else prefix=$2; fi
      shift
      ;;
    --uninstall) action=uninstall ;;
    -h | --help)
      usage
      return
      ;;
    -*) refuse "unknown option $1; see --help" ;;
    *) base=$1 ;;
    esac
    shift
  done
  if [ -z "$prefix" ]; then
    if [ "$(id -u)" -eq 0 ]; then prefix=/usr/local; else prefix=${HOME:?}/.local; fi
  fi
  list=$prefix/share/bantam/installed-files
  $action
}

install() {
  [ -n "$base" ] || refuse "from where? Give the address of a release as an argument or in BANTAM_BASE_URL; see --help"
  base=${base%/}
  target=$(this_machine)
  # Said before anything is downloaded.
  if ! mkdir -p "$prefix/bin" 2>/dev/null || ! [ -w "$prefix/bin" ]; then
    refuse "cannot write to $prefix/bin; name another folder with --prefix, or run this as who may"
  fi
  draft=$(mktemp -d)
  trap 'rm -rf "$draft"' EXIT
  trap 'exit 1' HUP INT TERM

  download "$base/SHA256SUMS" "$draft/SHA256SUMS"
  archive=$(archive_for "$target")
  say "Downloading $base/$archive"
  download "$base/$archive" "$draft/$archive"
  check "$archive"
  tar -xzf "$draft/$archive" -C "$draft"
  unpacked=$draft/${archive%.tar.gz}
  try_out "$unpacked/bantam"
  put_in_place "$unpacked"
  say "Installed $("$prefix/bin/bantam" --version) as $prefix/bin/bantam"
  case :$PATH: in
  *:"$prefix/bin":*) ;;
  *) say "$prefix/bin is not on your PATH: add it, or call it by that name." ;;
  esac
}

# The name of the target in the names of archives.
this_machine() {
  system=$(uname -s)
  machine=$(uname -m)
  case $machine in
  x86_64 | amd64) machine=x64 ;;
  aarch64 | arm64) machine=arm64 ;;
  *) refuse "there is no Bantam for a processor called $machine: x86-64 and ARM64 alone" ;;
  esac
  case $system in
  Linux)
    if ldd --version 2>&1 | grep -qi musl; then say "linux-$machine-musl"; else say "linux-$machine"; fi
    ;;
  Darwin)
    # A shell that is translated says x86_64 on a machine that is none.
    if [ "$(sysctl -n sysctl.proc_translated 2>/dev/null)" = 1 ]; then machine=arm64; fi
    say "darwin-$machine"
    ;;
  *) refuse "there is no installation by this script on $system: take the archive for it from a release" ;;
  esac
}

download() {
  if command -v curl >/dev/null; then
    curl --fail --silent --show-error --location --output "$2" "$1" || refuse "cannot download $1"
  elif command -v wget >/dev/null; then
    wget -q -O "$2" "$1" || refuse "cannot download $1"
  else
    refuse "neither curl nor wget is installed; install one of them"
  fi
}

# The name of the archive for a target, which the list has.
archive_for() {
  if [ -n "$version" ]; then
    found=bantam-$version-$1.tar.gz
    [ -n "$(hash_of "$found")" ] || refuse "$base has no $found"
  else
    found=$(awk -v end="-$1.tar.gz" '
      $2 ~ /^bantam-[0-9]/ && substr($2, length($2) - length(end) + 1) == end { print $2 }
    ' "$draft/SHA256SUMS")
    case $found in
    "") refuse "$base has no archive for $1" ;;
    *"
"*) refuse "$base has several versions; name one with --version: $(printf '%s' "$found" | tr '\n' ' ')" ;;
    esac
  fi
  say "$found"
}

# What the list says of a file; nothing, where it does not have it.
hash_of() {
  awk -v name="$1" '$2 == name { print $1 }' "$draft/SHA256SUMS"
}

check() {
  expected=$(hash_of "$1")
  if command -v sha256sum >/dev/null; then
    found=$(sha256sum <"$draft/$1")
  elif command -v shasum >/dev/null; then
    found=$(shasum -a 256 <"$draft/$1")
  else
    found=$(openssl dgst -sha256 -r <"$draft/$1") || refuse "none of sha256sum, shasum and openssl is installed"
  fi
  found=${found%% *}
  [ "$found" = "$expected" ] ||
    refuse "$1 is not what SHA256SUMS says: expected $expected, got $found; nothing was installed"
}

try_out() {
  said=$("$1" --version 2>&1) && return
  case $said in
  *libstdc++* | *libgcc_s*) refuse "Bantam needs libstdc++ here; as root: apk add libstdc++. It said: $said" ;;
  esac
  refuse "it does not run on this machine: $said"
}

# Each file is complete from the moment that it has its name, also while an older one runs.
put_in_place() {
  mkdir -p "$prefix/share/bantam"
  : >"$draft/installed-files"
  place "$1/bantam" bin/bantam 755
  place "$1/completions/bantam" share/bash-completion/completions/bantam 644
  place "$1/completions/_bantam" share/zsh/site-functions/_bantam 644
  place "$1/completions/bantam.fish" share/fish/vendor_completions.d/bantam.fish 644
  for page in "$1"/man/man*/*; do
    # Where there is none the pattern stands for itself.
    if [ -f "$page" ]; then place "$page" "share/man/${page#"$1/man/"}" 644; fi
  done
  take_away_the_rest
  place "$draft/installed-files" share/bantam/installed-files 644
}

place() {
  mkdir -p "$(dirname "$prefix/$2")"
  cp "$1" "$prefix/$2.new"
  chmod "$3" "$prefix/$2.new"
  mv -f "$prefix/$2.new" "$prefix/$2"
  say "$2" >>"$draft/installed-files"
}

# What the version before had, and this one has not.
take_away_the_rest() {
  [ -f "$list" ] || return 0
  while read -r file; do
    grep -qxF "$file" "$draft/installed-files" || rm -f "$prefix/$file"
  done <"$list"
}

uninstall() {
  [ -f "$list" ] || refuse "nothing of this script's is below $prefix; another folder is named with --prefix"
  while read -r file; do
    rm -f "$prefix/$file" || refuse "cannot remove $prefix/$file"
  done <"$list"
  rm -f "$list"
  rmdir "$prefix/share/bantam" 2>/dev/null || true
  say "Removed Bantam from $prefix. Settings and data are still there."
}

main "$@"
