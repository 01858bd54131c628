# Packs each episode into a file, hashes that and uploads it: the digest stands in a header, so that nothing can be sent before all is packed.
# What it does not do: fsync, keep a receipt, look whether the episode changed meanwhile.
set -euo pipefail
data=$1 target=$2 ca=$3 cert=$4 key=$5 commit=$6 schema=$7

mkdir -p "$data/outbox" "$data/shipped"
for directory in "$data"/episodes/*/; do
  directory=${directory%/}
  id=${directory##*/}
  tarball=$data/outbox/$id.tar.zst
  tar -cf - -C "$data/episodes" "$id" | zstd -3 -T1 --quiet >"$tarball"
  sha256=$(sha256sum "$tarball")
  curl --silent --show-error --fail --output /dev/null --cacert "$ca" --cert "$cert" --key "$key" \
    -H "X-Content-SHA256: ${sha256%% *}" -H "X-Cis490-Code-Commit: $commit" -H "X-Cis490-Schema-Version: $schema" \
    -H 'Expect: 100-continue' -T "$tarball" "$target/$id.tar.zst"
  mv "$directory" "$data/shipped/"
  rm "$tarball"
done
