#!/bin/sh
# certificates.sh DIRECTORY - an authority, and certificates that are good and bad, for tests of TLS.
set -eu
cd "$1"
key="-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes"

authority() {
	# shellcheck disable=SC2086
	openssl req -x509 $key -days 2 -subj "/CN=$1" -keyout "$1.key" -out "$1.pem"
}

# NAME AUTHORITY DAYS SUBJECT-ALTERNATIVE-NAMES PURPOSE [REST-OF-SUBJECT]
issue() {
	printf 'subjectAltName=%s\nextendedKeyUsage=%s\n' "$4" "$5" > extensions
	# shellcheck disable=SC2086
	openssl req $key -subj "${6-}/CN=$1" -keyout "$1.key" -out request
	openssl x509 -req -in request -CA "$2.pem" -CAkey "$2.key" -CAcreateserial -days "$3" -extfile extensions \
		-out "$1.pem"
}

authority ca
authority stranger
issue good ca 2 DNS:example.test,IP:127.0.0.1 serverAuth
issue other ca 2 DNS:other.test serverAuth
issue expired ca -1 DNS:example.test serverAuth
issue unknown stranger 2 DNS:example.test serverAuth
issue client ca 2 DNS:client.test clientAuth
unit=/OU=$(printf %060d 0)
issue long ca 2 DNS:client.test clientAuth "$unit$unit$unit$unit$unit"
