#!/usr/bin/env bash
# tls.sh FOLDER: certificates for the tests: an authority (ca.crt) and one that nobody trusts (stranger.crt), broker.pem for localhost,
# other.pem for another name, client.crt and client.key (CN=app), locked.key (the same, with the password key-secret).
set -euo pipefail
mkdir -p "$1"
cd "$1"
{
  authority() {  # NAME
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 30 -subj "/CN=tests-$1" -keyout "$1.key" -out "$1.crt"
  }
  signed() {  # NAME CN [NAMES]
    openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$2" -keyout "$1.key" -out "$1.csr"
    printf '%s' "${3:+subjectAltName=$3}" >"$1.ext"
    openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 30 -extfile "$1.ext" -out "$1.crt"
  }
  authority ca
  authority stranger
  signed broker localhost DNS:localhost,IP:127.0.0.1
  signed other elsewhere.example DNS:elsewhere.example
  signed client app
  cat broker.key broker.crt ca.crt >broker.pem
  cat other.key other.crt ca.crt >other.pem
  openssl pkcs8 -topk8 -in client.key -passout pass:key-secret -out locked.key
} >tls.log 2>&1
