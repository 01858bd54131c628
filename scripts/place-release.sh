# shellcheck shell=sh disable=SC2034,SC2154  # What one of these files sets, another uses.
# Puts the tree that the installer lies in below /opt/cis490/releases, whole or not at all, and makes it the one in force. Read by the
# installers after install-common.sh; sets release, the name of its directory.

# Sets kind (installed, bundle, checkout), commit, dirty, release.
identify_tree() {
  dirty=false
  if [ "${tree%/*}" = "$opt/releases" ] && [ -f "$tree/VERSION" ]; then
    kind=installed release=${tree##*/}
  elif [ -f "$tree/MANIFEST.json" ]; then
    kind=bundle
    commit=$(grep -o '"commit" *: *"[0-9a-f]*"' "$tree/MANIFEST.json" | head -n 1 | grep -o '[0-9a-f]\{40,64\}') ||
      fail "$tree/MANIFEST.json names no commit"
    release=$commit
  elif [ -e "$tree/.git" ]; then
    kind=checkout
    commit=$(in_checkout rev-parse --verify HEAD) || fail "git does not tell the commit of $tree"
    release=$commit
    if [ -n "$(in_checkout status --porcelain --untracked-files=no)" ]; then
      dirty=true
      # Another tree than the commit's own has another name, by what is in it.
      release=$(list_tracked | (cd "$tree" && xargs -0 sha256sum) | sha256sum | head -c 40)
    fi
  else
    fail "$tree is neither a git checkout nor an unpacked release (it has no MANIFEST.json)" 'clone the repository, or unpack a bundle, and run the installer in there'
  fi
}

# As whom it belongs to, as git asks for: hooks and settings of a checkout are its owner's.
in_checkout() {
  owner=$(stat -c %U "$tree")
  if [ "$owner" = root ]; then
    GIT_OPTIONAL_LOCKS=0 git -C "$tree" -c core.fsmonitor=false "$@"
  else
    runuser -u "$owner" -- env GIT_OPTIONAL_LOCKS=0 git -C "$tree" -c core.fsmonitor=false "$@"
  fi
}
list_tracked() {
  # shellcheck disable=SC2016  # For the inner shell.
  in_checkout ls-files -z |
    (cd "$tree" && xargs -0 sh -c 'for path; do if [ -f "$path" ] || [ -L "$path" ]; then printf "%s\0" "$path"; fi; done' -)
}

place_release() {
  identify_tree
  own 755 0:0 "$opt/releases"
  if [ "$kind" = installed ] || [ -d "$opt/releases/$release" ]; then return 0; fi
  say "puts release $release in place"
  # What a killed run left; nothing else makes trees while the installer is at work.
  rm -rf "$opt"/releases/.unpack-*
  unpack=$opt/releases/.unpack-$release
  trap 'rm -rf "$unpack"' EXIT
  mkdir "$unpack"
  "copy_$kind"
  chown -R 0:0 "$unpack"
  chmod -R u=rwX,go=rX "$unpack"
  printf '{"commit":"%s","dirty":%s,"stamped_at_wall":"%s"}\n' "$commit" "$dirty" "$(date -u +%Y-%m-%dT%H:%M:%S.%6N+00:00)" >"$unpack/VERSION"
  # Before it has a name: a release that cannot run here gets none.
  if [ -z "$root" ]; then
    NODE_DISABLE_COMPILE_CACHE=1 "$unpack/bin/cis490" --version >/dev/null || fail 'this release does not run on this machine'
  fi
  sync -f "$unpack"
  mv -T "$unpack" "$opt/releases/$release"
  trap - EXIT
  sync "$opt/releases"
}

copy_bundle() {
  for path in "$tree"/* "$tree"/.[!.]*; do
    case ${path##*/} in
      # Where a bundle was unpacked into the install root itself, these are beside it.
      releases | current | current.new | guard | VERSION | '*' | '.[!.]*') continue ;;
    esac
    cp -R --no-dereference --preserve=mode,timestamps "$path" "$unpack/"
  done
  rm -rf "$unpack/node_modules/.cache"
}

copy_checkout() {
  list_tracked >"$unpack.list"
  (cd "$tree" && xargs -0 cp --parents --no-dereference --preserve=mode,timestamps -t "$unpack" <"$unpack.list")
  rm -f "$unpack.list"
  [ -f "$unpack/package-lock.json" ] || fail "$tree tracks no package-lock.json"
  # What the release in force has is as good: a change of code alone needs no npm.
  for modules in "$tree" "$opt/current"; do
    packages=$(fitting_packages "$modules") || continue
    # shellcheck disable=SC2086  # Names of npm packages hold no white space.
    (cd "$modules" && cp -R --parents --no-dereference --preserve=mode,timestamps -t "$unpack" $packages)
    return 0
  done
  command -v npm >/dev/null || fail "$tree/node_modules does not have what package-lock.json asks for, and there is no npm" "run: apt-get install --yes npm"
  (cd "$unpack" && npm ci --omit=dev --ignore-scripts --no-audit --no-fund >&2) || fail 'npm could not fetch the dependencies'
}

# fitting_packages DIRECTORY: the directories of the production packages when its node_modules has just those versions that the lock names.
fitting_packages() {
  for node in "$1"/node_modules/node-linux-*/bin/node; do
    [ ! -x "$node" ] || { NODE_DISABLE_COMPILE_CACHE=1 "$node" "$unpack/scripts/production-packages.ts" "$unpack" "$1" && return 0; }
  done
  return 1
}

# The documented cure of stale code is: sudo -u cis490 git pull. A checkout that root cloned into the install root becomes the service's.
hand_over_checkout() {
  if [ "$kind" != checkout ] || [ "$tree" != "$opt" ] || [ "$(stat -c %u "$tree/.git")" = "$uid" ]; then return 0; fi
  for path in "$tree"/* "$tree"/.[!.]*; do
    case ${path##*/} in releases | current | guard) ;; *) chown -Rh "$uid:$gid" "$path" ;; esac
  done
  chown "$uid:$gid" "$tree"
}

put_in_force() {
  if [ "$(readlink -- "$opt/current" || true)" != "releases/$release" ]; then
    # What was on trial is not what a person puts in force by hand: nobody is to take this back.
    state=$root/var/lib/cis490/update-state.json
    # Under the lock that the updater and the guard take; in an image neither of them runs.
    if is_booted && [ -x "$opt/guard/update-guard.sh" ]; then "$opt/guard/update-guard.sh" drop || true; fi
    if grep -q '^ *"pending": *{' "$state" 2>/dev/null; then
      sed 's/^\( *"pending": *\){.*}\(,\{0,1\}\)$/\1null\2/' "$state" | put_text 644 0:0 "$state"
    fi
    link "releases/$release" "$opt/current"
  fi
  # Where the install root is itself a checkout, these two are its own directories.
  for name in bin scripts; do
    if [ -L "$opt/$name" ] || [ ! -e "$opt/$name" ]; then link "current/$name" "$opt/$name"; fi
  done
  link /opt/cis490/current/bin/cis490 "$root/usr/local/bin/cis490"
  link /opt/cis490/current/etc/bash-completion/cis490 "$root/usr/local/share/bash-completion/completions/cis490"
}

# Three are enough: the one in force, the one before, and one more.
remove_old_releases() {
  kept=0
  # shellcheck disable=SC2045  # Names are hex digits.
  for name in $(ls -1t "$opt/releases"); do
    kept=$((kept + 1))
    if [ "$kept" -le 3 ] || [ "$name" = "$release" ]; then continue; fi
    if grep -q "$name" "$root/var/lib/cis490/update-state.json" 2>/dev/null; then continue; fi
    rm -rf "${opt:?}/releases/$name"
    say "removed the old release $name"
  done
}
