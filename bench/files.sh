#!/bin/bash
# Seals and opens one file with byok and with what people use otherwise: time in turns, then peak memory. What the figures mean: README.md.
set -euo pipefail

size=512M rounds=5 large=4G folder= modules=${OPENSSL_MODULES:-}
small=1M
all=(byok enc cms age gpg)

usage() {
    cat >&2 <<END
usage: files.sh [--size BYTES] [--rounds N] [--large BYTES|0] [--tmp FOLDER] [--modules FOLDER OF byok.so]
The sizes may end in K, M or G (1024). --large is for the peak memory; 0 leaves that out.
END
    exit 2
}

while [ $# -gt 0 ]; do
    [ $# -ge 2 ] || usage
    case $1 in
    --size) size=$2 ;;
    --rounds) rounds=$2 ;;
    --large) large=$2 ;;
    --tmp) folder=$2 ;;
    --modules) modules=$2 ;;
    *) usage ;;
    esac
    shift 2
done

bytes=$(numfmt --from=iec "$size")
large_bytes=$(numfmt --from=iec "$large")
[ "$rounds" -gt 0 ] && [ "$bytes" -gt 0 ] || usage
if [ -z "$modules" ]; then
    modules=$(dirname "$0")/../build/bench
fi
if [ ! -e "$modules/byok.so" ]; then
    echo "files.sh: no byok.so in $modules; name its folder with --modules" >&2
    exit 2
fi
modules=$(realpath "$modules")

loud() {
    printf '\n*** %s ***\n\n' "$*" >&2
}

# Where the files go: memory if they all fit there twice over, so that no disk is measured.
needed=$((bytes * (${#all[@]} + 1)))
if [ -z "$folder" ]; then
    folder=${TMPDIR:-/tmp}
    free=$(df --output=avail -B1 /dev/shm 2>/dev/null | tail -n 1 || echo 0)
    if [ "${free:-0}" -gt $((2 * needed)) ] && [ -w /dev/shm ]; then
        folder=/dev/shm
    else
        loud "/dev/shm has too little room: $folder is used, and its disk is part of what is measured"
    fi
fi
dir=$(mktemp -d "$folder/byok-bench-XXXXXX")
export GNUPGHOME=$dir/gnupg
finish() {
    if [ -d "$GNUPGHOME" ]; then
        gpgconf --kill all >/dev/null 2>&1 || true
    fi
    rm -rf "$dir"
}
trap finish EXIT
trap 'exit 130' INT TERM
umask 077

under=() # what a tool is run under: nothing, or GNU time

# seal_TOOL INPUT OUTPUT, open_TOOL INPUT OUTPUT; either may be a file of /dev.
zeros=$(printf '%064d' 0)
seal_byok() { "${under[@]}" openssl enc -e "${provider[@]}" -byok-aes-256-gcm -K "$zeros" -in "$1" -out "$2"; }
open_byok() { "${under[@]}" openssl enc -d "${provider[@]}" -byok-aes-256-gcm -K "$zeros" -in "$1" -out "$2"; }
seal_enc() { "${under[@]}" openssl enc -e -aes-256-ctr -K "$enc_key" -iv "$enc_iv" -in "$1" -out "$2"; }
open_enc() { "${under[@]}" openssl enc -d -aes-256-ctr -K "$enc_key" -iv "$enc_iv" -in "$1" -out "$2"; }
seal_cms() { "${under[@]}" openssl cms -encrypt -binary -stream -outform DER -aes-256-gcm -in "$1" -out "$2" "$dir/cert.pem"; }
open_cms() { "${under[@]}" openssl cms -decrypt -binary -inform DER -inkey "$dir/cert.key" -recip "$dir/cert.pem" -in "$1" -out "$2"; }
seal_age() { "${under[@]}" age -r "$age_recipient" -o "$2" "$1"; }
open_age() { "${under[@]}" age -d -i "$dir/age.key" -o "$2" "$1"; }
gpg_=(gpg --batch --yes --quiet --no-options --pinentry-mode loopback --passphrase-file "$dir/passphrase")
seal_gpg() { "${under[@]}" "${gpg_[@]}" --symmetric --cipher-algo AES256 --compress-algo none -o "$2" "$1"; }
open_gpg() { "${under[@]}" "${gpg_[@]}" -o "$2" -d "$1"; }

describe_byok="openssl enc -provider byok -byok-aes-256-gcm"
describe_enc="openssl enc -aes-256-ctr (authenticates nothing)"
describe_cms="openssl cms -aes-256-gcm, RSA 3072"
describe_age="age, X25519"
describe_gpg="gpg --symmetric, AES256, no compression"

# setup_TOOL makes its keys, or says what is missing and fails.
setup_byok() {
    openssl rand -out "$dir/bench.key" 32
    printf 'default-kek = bench\n[bench]\nuri = local://%s\n' "$dir/bench.key" >"$dir/keks.cnf"
    export BYOK_CONFIG=$dir/keks.cnf
    provider=(-provider-path "$modules" -provider default -provider byok)
}
setup_enc() {
    enc_key=$(openssl rand -hex 32)
    enc_iv=$(openssl rand -hex 16)
}
setup_cms() {
    openssl req -x509 -newkey rsa:3072 -nodes -subj /CN=bench -days 2 -keyout "$dir/cert.key" -out "$dir/cert.pem" 2>/dev/null
}
setup_age() {
    command -v age >/dev/null && command -v age-keygen >/dev/null || return 1
    age-keygen -o "$dir/age.key" 2>/dev/null
    age_recipient=$(age-keygen -y "$dir/age.key")
}
setup_gpg() {
    command -v gpg >/dev/null || return 1
    mkdir -m 700 "$GNUPGHOME"
    openssl rand -hex 16 >"$dir/passphrase"
}

# Seals the file, opens it again, compares.
try() {
    local tool=$1
    "seal_$tool" "$dir/plain" "$dir/$tool" && "open_$tool" "$dir/$tool" "$dir/again" && cmp -s "$dir/plain" "$dir/again"
    local code=$?
    rm -f "$dir/again"
    return $code
}

openssl enc -e -aes-256-ctr -K "$(openssl rand -hex 32)" -iv "$zeros" 2>/dev/null < <(head -c "$bytes" /dev/zero) >"$dir/plain"
[ "$(stat -c %s "$dir/plain")" = "$bytes" ]

tools=()
for tool in "${all[@]}"; do
    describe=describe_$tool
    if ! "setup_$tool"; then
        loud "$tool is not installed: ${!describe} is left out"
    elif ! try "$tool"; then
        loud "$tool failed: ${!describe} is left out"
        rm -f "$dir/$tool"
    else
        tools+=("$tool")
    fi
done
if [ "${tools[0]:-}" != byok ]; then
    echo "files.sh: nothing can be compared with byok" >&2
    exit 1
fi

# Time, in microseconds, of a command into $dir/times: round, what, tool.
clock() {
    local start=${EPOCHREALTIME/[.,]/} code=0
    "${what}_$tool" "$1" /dev/null || code=$?
    local stop=${EPOCHREALTIME/[.,]/}
    if [ $code -ne 0 ]; then
        echo "files.sh: $what with $tool failed" >&2
        exit 1
    fi
    printf '%d %s %s %d\n' "$round" "$what" "$tool" $((stop - start)) >>"$dir/times"
}

printf '%s; a file of %s bytes in %s, output to /dev/null, %d rounds in turns\n\n' "$(openssl version)" "$size" "$folder" "$rounds"
for ((round = 0; round < rounds; round++)); do
    for ((i = 0; i < ${#tools[@]}; i++)); do
        tool=${tools[(i + round) % ${#tools[@]}]}
        what=seal
        clock "$dir/plain"
        what=open
        clock "$dir/$tool"
    done
done

# median MB/s, and the median over the rounds of TOOL's time over byok's
table() {
    local tool describe
    printf '%-50s %10s %10s %14s %14s\n' "" "seal MB/s" "open MB/s" "seal / byok" "open / byok"
    for tool in "${tools[@]}"; do
        describe=describe_$tool
        awk -v tool="$tool" -v bytes="$bytes" -v title="${!describe}" '
            function median(values, n, i, j, v) {
                for (i = 2; i <= n; i++) {
                    v = values[i]
                    for (j = i - 1; j >= 1 && values[j] > v; j--)
                        values[j + 1] = values[j]
                    values[j + 1] = v
                }
                return n % 2 ? values[(n + 1) / 2] : (values[n / 2] + values[n / 2 + 1]) / 2
            }
            $3 == "byok" { base[$1, $2] = $4 }
            $3 == tool { mine[$1, $2] = $4; if ($1 >= rounds) rounds = $1 + 1 }
            function row(what, i) {
                for (i = 0; i < rounds; i++) {
                    speed[i + 1] = bytes / mine[i, what]
                    ratio[i + 1] = mine[i, what] / base[i, what]
                }
                speeds[what] = median(speed, rounds)
                ratios[what] = median(ratio, rounds)
            }
            END {
                row("seal"); row("open")
                printf "%-50s %10.0f %10.0f %14.2f %14.2f\n", title, speeds["seal"], speeds["open"], ratios["seal"], ratios["open"]
            }' "$dir/times"
    done
}
table
echo
echo "seal / byok, open / byok: this tool's time as a multiple of byok's, per round; median. Above 1 byok is the faster one."

if [ "$large_bytes" -eq 0 ]; then
    exit 0
fi
gnu_time=$(command -v time || true)
if [ -z "$gnu_time" ] || ! "$gnu_time" -f %M -o "$dir/peak" true 2>/dev/null; then
    loud "GNU time is not installed (Debian: time): the peak memory is left out"
    exit 0
fi

# Peak memory in MiB of one tool at `count` bytes through pipes, or "fails".
peak() {
    local tool=$1 what=$2 count=$3 watched=("$gnu_time" -f %M -o "$dir/peak")
    rm -f "$dir/peak"
    if (
        set -o pipefail
        if [ "$what" = seal ]; then
            under=("${watched[@]}")
            head -c "$count" /dev/zero | "seal_$tool" /dev/stdin /dev/stdout | cat >/dev/null
        else
            head -c "$count" /dev/zero | "seal_$tool" /dev/stdin /dev/stdout \
                | { under=("${watched[@]}") && "open_$tool" /dev/stdin /dev/stdout; } | cat >/dev/null
        fi
    ) 2>"$dir/errors"; then
        awk 'END { printf "%.1f", $1 / 1024 }' "$dir/peak"
    else
        printf 'fails'
    fi
}

echo
printf '%-50s %28s %28s\n' "peak memory, MiB" "seal $small -> $large" "open $small -> $large"
for tool in "${tools[@]}"; do
    describe=describe_$tool
    printf '%-50s' "${!describe}"
    for what in seal open; do
        printf ' %28s' "$(peak "$tool" "$what" "$(numfmt --from=iec "$small")") -> $(peak "$tool" "$what" "$large_bytes")"
    done
    printf '\n'
done
