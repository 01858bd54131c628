# Drains a backlog as a script does: one episode after another, a process for each step, a connection for each upload.
# What it does not do: fsync, keep a receipt, wait for a receiver that is away, tell one refusal from another.
set -euo pipefail
data=$1 target=$2 ca=$3 cert=$4 key=$5 commit=$6 schema=$7

mkdir -p "$data/outbox" "$data/shipped"
for directory in "$data"/episodes/*/; do
  directory=${directory%/}
  id=${directory##*/}
  tarball=$data/outbox/$id.tar.zst
  tar --zstd -cf "$tarball" -C "$data/episodes" "$id"
  sha256=$(sha256sum "$tarball")
  curl --silent --show-error --fail --output /dev/null --cacert "$ca" --cert "$cert" --key "$key" \
    -H "X-Content-SHA256: ${sha256%% *}" -H "X-Cis490-Code-Commit: $commit" -H "X-Cis490-Schema-Version: $schema" \
    -T "$tarball" "$target/$id.tar.zst"
  mv "$directory" "$data/shipped/"
  rm "$tarball"
done
