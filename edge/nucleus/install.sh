#!/bin/sh
# Installs the AWS IoT Greengrass nucleus on this device, with the certificate and the configuration of this folder.
#
#   sudo ./install.sh                          fetches the nucleus from AWS
#   sudo ./install.sh --nucleus FILE.zip       takes it from a file, for a device without internet
#        --sha256 DIGEST                       and refuses another file
#
# It may run again: what is there stays, and the configuration is read by the first start only.
set -eu

here=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd)
root=${GREENGRASS_ROOT:-/greengrass/v2}
images=${SIGHTLINE_IMAGES:-/var/lib/sightline/images}
url=https://d2s8p88vqu9w66.cloudfront.net/releases/greengrass-nucleus-latest.zip
user=ggc_user
group=ggc_group
needed_kb=1500000 # the nucleus, two versions of the inspector's environment, and a queue of images
nucleus=
digest=

fail() {
    echo "install.sh: $*" >&2
    exit 1
}

have() {
    command -v "$1" >/dev/null 2>&1
}

# The value of a key, such as thingName, in a file of the nucleus.
value() {
    sed -n "s/^ *$1: *\"\{0,1\}\([A-Za-z0-9_-]*\)\"\{0,1\} *$/\1/p" "$2" | head -n 1
}

while [ $# -gt 0 ]; do
    case $1 in
    --nucleus) nucleus=${2:?install.sh: --nucleus needs a file} && shift 2 ;;
    --sha256) digest=${2:?install.sh: --sha256 needs a digest} && shift 2 ;;
    *) fail "unknown option $1; there are --nucleus FILE and --sha256 DIGEST" ;;
    esac
done

[ "$(id -u)" = 0 ] || fail "run it as root: sudo ./install.sh"
[ "$(uname -s)" = Linux ] || fail "the nucleus is installed on Linux only"
for file in device.json config.yaml device.pem.crt private.pem.key AmazonRootCA1.pem; do
    [ -s "$here/$file" ] || fail "$file is missing; copy the whole folder that sightline device provision made"
done
have java || fail "Java is missing; install it: apt-get install default-jre-headless, or" \
    "dnf install java-17-amazon-corretto-headless"
have unzip || fail "unzip is missing; install it with apt-get or dnf"
have systemctl || fail "systemd is missing; the nucleus runs as its service"
have python3 || fail "Python is missing; install python3, version 3.9 to 3.13"
python3 -c 'import sys; sys.exit(not (3, 9) <= sys.version_info[:2] <= (3, 13))' ||
    fail "the inspector needs Python 3.9 to 3.13, and python3 is $(python3 -V 2>&1)"
python3 -c 'import ensurepip, venv' 2>/dev/null ||
    fail "Python can't make virtual environments; install python3-venv: apt-get install python3-venv"
effective=$root/config/effectiveConfig.yaml # what a nucleus that is here was installed with
for key in thingName iotRoleAlias; do
    known=$([ ! -f "$effective" ] || value $key "$effective")
    [ -z "$known" ] || [ "$known" = "$(value $key "$here/config.yaml")" ] ||
        fail "a nucleus is here with $key $known; stop it (systemctl stop greengrass), move $root away, run this again"
done
mkdir -p "$root"
free_kb=$(df -Pk "$root" | awk 'NR == 2 {print $4}')
[ "$free_kb" -ge "$needed_kb" ] ||
    fail "$root has $free_kb KB left, and $needed_kb KB are needed; make room or set GREENGRASS_ROOT"
# With a clock that is behind, TLS and every signed request would be refused.
made_at=$(sed -n 's/.*"made_at": \([0-9]*\).*/\1/p' "$here/device.json")
[ "$(date +%s)" -ge $((made_at - 900)) ] ||
    fail "the clock says $(date -u +%Y-%m-%d), before this folder was made; set it, or turn on NTP"

getent group "$group" >/dev/null || groupadd --system "$group"
getent passwd "$user" >/dev/null || useradd --system --create-home --gid "$group" --shell /usr/sbin/nologin "$user"
mkdir -p "$images"
chown "$user:$group" "$images"

umask 077
for file in device.pem.crt private.pem.key AmazonRootCA1.pem; do
    cp "$here/$file" "$root/$file.new"
    chmod 400 "$root/$file.new"
    mv "$root/$file.new" "$root/$file"
done
chmod 755 "$root"

if systemctl is-active --quiet greengrass.service; then
    systemctl restart greengrass.service
    echo "The nucleus was installed already; it has the certificate of this folder now."
    exit 0
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
if [ -z "$nucleus" ]; then
    have curl || fail "curl is missing; install it, or give the nucleus as a file with --nucleus"
    nucleus=$work/nucleus.zip
    curl --fail --silent --show-error --location --output "$nucleus" "$url" ||
        fail "the nucleus can't be fetched; on a device without internet, fetch $url elsewhere and use --nucleus"
fi
[ -f "$nucleus" ] || fail "$nucleus is no file; fetch it from $url"
found=$(sha256sum "$nucleus" | cut -d' ' -f1)
[ -z "$digest" ] || [ "$digest" = "$found" ] || fail "$nucleus has SHA-256 $found, not $digest"
unzip -q "$nucleus" -d "$work/nucleus" || fail "$nucleus is no zip; fetch it again from $url"
jar=$work/nucleus/lib/Greengrass.jar
[ -f "$jar" ] || fail "$nucleus has no lib/Greengrass.jar; fetch it again from $url"
if have jarsigner; then # with a JDK, not with a JRE
    jarsigner -verify "$jar" >/dev/null || fail "AWS did not sign $nucleus; fetch it again from $url"
fi
version=$(java -jar "$jar" --version | grep -Eo '[0-9]+\.[0-9]+\.[0-9]+' | head -n 1)
[ -n "$version" ] || fail "Java can't run the nucleus; see java -jar Greengrass.jar --version"
sed -e "s|NUCLEUS_VERSION|$version|" -e "s|/greengrass/v2|$root|g" "$here/config.yaml" >"$work/config.yaml"
java "-Droot=$root" -Dlog.store=FILE -jar "$jar" --init-config "$work/config.yaml" \
    --component-default-user "$user:$group" --setup-system-service true ||
    fail "the nucleus can't be set up; its reasons are above and in $root/logs"
echo "The nucleus $version (SHA-256 $found) is installed and runs. Its log: $root/logs/greengrass.log"
