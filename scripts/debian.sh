#!/usr/bin/env bash
# debian.sh SUITE MODULE: on a fresh Debian SUITE (debootstrap, chroot) runs ./quickstart as a newcomer would, builds and runs the tests against
# its OpenSSL, and seals and opens with MODULE, a byok.so that was built elsewhere. Exits with 77, loudly, where root is not to be had.
set -euo pipefail
suite=$1
module=$(readlink -f "$2")
cd "$(dirname "$(readlink -f "$0")")/.."
. scripts/packages.sh

if [ "$(id -u)" -ne 0 ]; then
    echo "NOT RUN on $suite: a chroot needs root" >&2
    exit 77
fi
need_packages debootstrap mount
root=$PWD/build/chroot-$suite
log=$PWD/build/results/debian-$suite.log
mkdir -p build/results
trap 'rm -rf "$root"' EXIT
rm -rf "$root"
debootstrap --variant=minbase --include=ca-certificates "$suite" "$root" >"$log" 2>&1 || { tail -n 20 "$log" >&2; exit 1; }
cp /etc/resolv.conf "$root/etc/resolv.conf"
# A mirror of sid that lags will do.
echo 'Acquire::Check-Valid-Until "false";' >"$root/etc/apt/apt.conf.d/99byok"
mkdir -p "$root/src" "$root/module"
git ls-files -z --cached --others --exclude-standard | tar -c --null -T - | tar -x -C "$root/src"
cp "$module" "$root/module/byok.so"

# In a mount namespace of its own, so that /proc goes with it.
unshare --mount --propagation private env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LANG=C.UTF-8 bash -s "$root" <<'OUTER' 2>&1 | tee -a "$log"
set -euo pipefail
mount -t proc proc "$1/proc"
mount -t tmpfs tmpfs "$1/tmp"
chroot "$1" bash -s <<'INNER'
set -euo pipefail
export DEBIAN_FRONTEND=noninteractive
packages() {
    apt-get install -y -q --no-install-recommends "$@" >/tmp/apt.log 2>&1 || { tail -n 20 /tmp/apt.log; return 1; }
}
cd /src
echo "-- quickstart"
./quickstart
openssl version
echo "-- the module built elsewhere, with what was sealed here, and the other way round"
unset OPENSSL_CONF
export BYOK_CONFIG=/src/quickstart.d/etc/keks.cnf OPENSSL_MODULES=/module
openssl enc -d -provider byok -byok-aes-256-gcm -K '' -in quickstart.d/sealed.byok | cmp - quickstart.d/plain.txt
openssl enc -provider byok -byok-aes-256-gcm -K '' -in quickstart.d/plain.txt -out /tmp/elsewhere.byok
OPENSSL_MODULES=/src/quickstart.d/modules openssl enc -d -provider byok -byok-aes-256-gcm -K '' -in /tmp/elsewhere.byok |
    cmp - quickstart.d/plain.txt
if [ "$(openssl version | cut -d' ' -f2 | cut -d. -f1-2)" != 3.0 ]; then
    echo "-- options by -provparam"
    unset BYOK_CONFIG
    openssl enc -d -provider byok -provparam byok:kek=local:///src/quickstart.d/etc/demo.key -byok-aes-256-gcm -K '' \
        -in /tmp/elsewhere.byok | cmp - quickstart.d/plain.txt
fi
unset BYOK_CONFIG OPENSSL_MODULES
echo "-- README.md, from installing to the last example"
packages php-cli ruby nodejs
scripts/readme.sh README.md >/tmp/readme.log 2>&1 || { tail -n 40 /tmp/readme.log; exit 1; }
[ "$(grep -c '^card 4111$' /tmp/readme.log)" = 4 ] # openssl, PHP, Ruby, Node.js
echo "-- tests"
packages libcmocka-dev python3
cmake --preset tested -DBYOK_BENCH=OFF >/dev/null
cmake --build --preset tested >/tmp/build.log || { tail -n 40 /tmp/build.log; exit 1; }
ctest --test-dir build/tested --output-on-failure --no-tests=error -j "$(nproc)" --output-junit /tmp/junit.xml
cp /tmp/junit.xml /src/junit.xml
INNER
OUTER
cp "$root/src/junit.xml" "build/results/debian-$suite.xml"
