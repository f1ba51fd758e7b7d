# The machine of a page's reader, inside the namespaces that reader-machine.ts makes: a network without any other machine,
# processes of its own, and directories of the system that may be written to, for they are copies or empty.
set -e
mount -t proc proc /proc
ip link set lo up

# What is no copy cannot be changed, but for the directories of this machine.
directory=$1
mount --bind "${directory%/*}" "${directory%/*}"
mount -o remount,bind,ro /
# Where we are is still below the read-only mount.
cd "$PWD"

mkdir -p "$directory/etc"
mount --no-mtab -t tmpfs tmpfs "$directory/etc"
# Not everything there can be read by everybody.
cp -a /etc/. "$directory/etc/" 2>/dev/null || :
# Of several with that number the first counts.
{ echo "you:x:1000:1000::$HOME:/bin/bash"; cat /etc/passwd; } > "$directory/etc/passwd"
{ echo "you:x:1000:"; cat /etc/group; } > "$directory/etc/group"
mount --no-mtab --move "$directory/etc" /etc
mount --no-mtab -t tmpfs tmpfs /var/lib
mount --no-mtab -t tmpfs tmpfs /run

# Nobody types as root. All of this belongs to whoever has made it, whatever that user is called inside.
exec unshare --user --map-user=1000 --map-group=1000 bash -e -o pipefail -s
