# packages.sh - the Debian packages that building and checking need; read by ./run and ./check.

build_packages=(
	gcc g++ meson ninja-build pkg-config
	libmicrohttpd-dev libcurl4-openssl-dev libjansson-dev libsimdjson-dev libsqlite3-dev libyaml-dev libssl-dev
	libunistring-dev libphonenumber-dev libhiredis-dev libpq-dev
)
check_packages=(
	clang clang-format clang-tidy cppcheck mandoc sqlite3
	redis-server postgresql libcmocka-dev python3 python3-pytest python3-selenium chromium chromium-driver faketime
)

# Bull's own tools are npm packages; Debian's npm only where there is none.
command -v npm >/dev/null || check_packages+=(nodejs npm)

missing_packages() {
	local package
	for package in "$@"; do
		dpkg-query -W -f='${Status}\n' "$package" 2>/dev/null | grep -q ' installed$' || echo "$package"
	done
}

# as_root COMMAND...: runs it, with sudo where that is needed and possible.
as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null && { [ -t 0 ] || sudo -n true 2>/dev/null; }; then
		sudo "$@"
	else
		return 1
	fi
}

# need_packages NAME...: installs what is missing; where that can't be done, says how and ends.
need_packages() {
	local missing install
	if ! command -v dpkg-query >/dev/null; then
		echo "This is no Debian system; it must have what these packages hold: $*" >&2
		return 0
	fi
	mapfile -t missing < <(missing_packages "$@")
	[ ${#missing[@]} -gt 0 ] || return 0
	install=(env DEBIAN_FRONTEND=noninteractive apt-get install -qq -y --no-install-recommends "${missing[@]}")
	echo "Installing: ${missing[*]}" >&2
	if ! as_root "${install[@]}" </dev/null >/dev/null 2>&1; then
		as_root apt-get update -qq </dev/null >/dev/null || true
		as_root "${install[@]}" </dev/null >/dev/null || true
	fi
	mapfile -t missing < <(missing_packages "${missing[@]}")
	[ ${#missing[@]} -gt 0 ] || return 0
	echo "These packages are missing; run this as root, then try again:" >&2
	echo "  apt-get update && apt-get install -y ${missing[*]}" >&2
	exit 1
}
