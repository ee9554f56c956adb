#!/bin/bash
# libkith as it is installed: a program is built against it with nothing but pkg-config, the shared
# and the static way, in C99 and in C++; and it shows no name but its own.
#
#     test_install.sh BUILD_DIR SOURCE_DIR CC
set -euo pipefail
build=$1 source=$2 cc=$3
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

cmake --install "$build" --prefix "$dir" --component libkith >"$dir/install.log"
libdir=$(dirname "$(find "$dir" -name libkith.so)")
flags() {
    PKG_CONFIG_PATH=$libdir/pkgconfig pkg-config --define-variable=prefix="$dir" "$@" kith
}

fail() {
    echo "FAILED: $*" >&2
    exit 1
}

foreign=$(nm -D --defined-only "$libdir/libkith.so" | awk '$3 !~ /^kith_/ {print $3}')
[ -z "$foreign" ] || fail "libkith.so exports $foreign"
foreign=$(nm -g --defined-only "$libdir/libkith.a" | awk 'NF == 3 && $3 !~ /^kith_/ {print $3}')
[ -z "$foreign" ] || fail "libkith.a exports $foreign"
declared=$(tr '\n' ' ' <"$dir/include/kith.h" | grep -o 'KITH_API [^(;]*(' | grep -o 'kith_[a-z_]*($' |
    tr -d '(' | sort)
exported=$(nm -D --defined-only "$libdir/libkith.so" | awk '{print $3}' | sort)
[ "$declared" = "$exported" ] || fail "kith.h and libkith.so differ: $(
    diff <(echo "$declared") <(echo "$exported"))"

for example in connect watch; do
    # shellcheck disable=SC2046
    "$cc" -std=c99 -pedantic -Wall -Wextra -Werror -o "$dir/shared" \
        "$source/clients/c/examples/$example.c" $(flags --cflags --libs)
    # shellcheck disable=SC2046
    "$cc" -std=c99 -o "$dir/static" "$source/clients/c/examples/$example.c" \
        $(flags --cflags) "$libdir/libkith.a" $(flags --libs-only-other --static) \
        $(flags --libs-only-l --static | sed 's/-lkith//')
    for kind in shared static; do
        # Nobody is there, and says so in words.
        if KITH_URL=nowhere LD_LIBRARY_PATH=$libdir "$dir/$kind" a b 2>"$dir/said"; then
            fail "$example ($kind) connected to nowhere"
        fi
        grep -q 'neither ipc' "$dir/said" || fail "$example ($kind) said: $(cat "$dir/said")"
    done
done

if command -v c++ >/dev/null; then
    echo '#include <kith.h>' >"$dir/header.cpp"
    echo 'int main() { return kith_status_text(KITH_STATUS_OK) == nullptr; }' >>"$dir/header.cpp"
    # shellcheck disable=SC2046
    c++ -std=c++17 -Wall -Wextra -Wpedantic -Werror -o "$dir/cpp" "$dir/header.cpp" \
        $(flags --cflags --libs)
    LD_LIBRARY_PATH=$libdir "$dir/cpp" || fail "the C++ program"
fi
