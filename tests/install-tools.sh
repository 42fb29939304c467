# Sourced by test.sh and demo.sh: what they need beyond git and root, on Debian 12.
# `install_tools LIST` installs the missing packages of the named lists, and asks apt nothing when
# there are none.

TOOLS_BUILD="gcc libc6-dev meson ninja-build pkg-config dpkg-dev debhelper fakeroot
    libpam0g-dev libsystemd-dev libssl-dev libcurl4-openssl-dev libjansson-dev libsqlite3-dev
    libinih-dev libqrencode-dev liboath-dev libcmocka-dev git"
TOOLS_LAB="mmdebstrap systemd-container iproute2 util-linux openssh-client openssl mount curl
    ca-certificates oathtool
    python3 python3-aiohttp python3-jwcrypto python3-cryptography python3-dbus python3-pexpect
    python3-pytest python3-pytest-timeout python3-paramiko putty-tools rsync strace"
TOOLS_FULL="clang llvm"
# For tests/provider_npm. Where Node came from elsewhere, Debian's npm would not go beside it.
TOOLS_NPM="nodejs npm"
if command -v node && command -v npm; then TOOLS_NPM=""; fi >/dev/null

install_tools() {
    local package missing=""
    for package in "$@"; do
        dpkg-query -W -f '${db:Status-Status}\n' "$package" 2>/dev/null | grep -qx installed ||
            missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    echo "Installing:$missing"
    export DEBIAN_FRONTEND=noninteractive
    apt-get -q update && apt-get -q -y --no-install-recommends install $missing
}

need_root() {
    [ "$(id -u)" -eq 0 ] || { echo "$0: needs root: sudo $0" >&2; exit 2; }
}
