#include "log/kafka/sasl.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include <algorithm>
#include <charconv>

#include "base/bytes.h"
#include "log/kafka/protocol.h"
#include "log/kafka/tokens.h"

namespace tradewind::log::kafka {
namespace {

constexpr int kHandshakeVersion = 1;
constexpr int kAuthenticateVersion = 1;
constexpr int kLeastRounds = 4'096;      // RFC 7677
constexpr int kMostRounds = 10'000'000;  // more would be an attack on our time
constexpr size_t kNonceBytes = 24;
constexpr std::string_view kNoBinding = "n,,";

const EVP_MD* hash_of(bool is_long) {
  return is_long ? EVP_sha512() : EVP_sha256();
}

// "a=1,b=2": what stands behind "b="; nothing, when there is no such part.
std::optional<std::string> part(const std::string& message, char name) {
  for (size_t at = 0; at < message.size();) {
    const size_t end = std::min(message.find(',', at), message.size());
    if (end > at + 1 && message[at] == name && message[at + 1] == '=')
      return message.substr(at + 2, end - at - 2);
    at = end + 1;
  }
  return std::nullopt;
}

std::string escaped(const std::string& user) {
  std::string out;
  for (const char c : user) {
    if (c == '=')
      out += "=3D";
    else if (c == ',')
      out += "=2C";
    else
      out += c;
  }
  return out;
}

Result<std::string> nonce() {
  unsigned char bytes[kNonceBytes];
  if (RAND_bytes(bytes, sizeof bytes) != 1)
    return Error{Code::unavailable, "this machine gives no random bytes to sign in with"};
  return to_base64({reinterpret_cast<const char*>(bytes), sizeof bytes});
}

struct Round {
  std::string answer;
  Duration lifetime{0};
};

Error refused(const std::string& why) {
  return {Code::unavailable, "the brokers do not let this user in" + (why.empty() ? "" : " (" + why + ")") +
                                 "; check log.kafka.sasl.*"};
}

Result<Round> say(Wire& wire, BytesView text) {
  Asked body;
  body.bytes(text);
  TRY(wire.ask(static_cast<int>(Api::sasl_authenticate), kAuthenticateVersion, body.body()));
  const Bytes bytes = TRY(wire.answer());
  Told told(bytes);
  const int code = told.number16();
  const std::string why = told.text();
  Round round;
  round.answer = told.bytes();
  round.lifetime = Duration(told.number64());
  if (code != 0 || told.broken()) return refused(why);
  return round;
}

Result<Duration> by_scram(Wire& wire, const KafkaSecurity& security) {
  Scram scram(security.mechanism, security.username, security.password.reveal(), TRY(nonce()));
  const Round first = TRY(say(wire, scram.first()));
  const Round last = TRY(say(wire, TRY(scram.last(first.answer))));
  if (!scram.proves(last.answer)) return refused("the broker does not know the secret itself");
  return last.lifetime;
}

Result<Duration> by_token(Wire& wire, const KafkaOptions& options) {
  const Token token = TRY(options.tokens->get());
  std::string text = std::string(kNoBinding) + "\x01" + "auth=Bearer " + token.text + "\x01";
  for (const auto& [name, value] : TRY(token_extensions(options.security.extensions)))
    text += name + "=" + value + "\x01";
  const Round told = TRY(say(wire, text + "\x01"));
  if (told.answer.empty()) return told.lifetime;
  return refused(told.answer);
}

}  // namespace

Result<Duration> sign_in(Wire& wire, const KafkaOptions& options) {
  const KafkaSecurity& security = options.security;
  Asked body;
  body.text(name_of(security.mechanism));
  TRY(wire.ask(static_cast<int>(Api::sasl_handshake), kHandshakeVersion, body.body()));
  const Bytes bytes = TRY(wire.answer());
  Told told(bytes);
  if (told.number16() != 0 || told.broken()) {
    return Error{Code::unavailable, "the brokers do not take log.kafka.sasl.mechanism " +
                                        std::string(name_of(security.mechanism)) +
                                        "; name one that they have"};
  }
  switch (security.mechanism) {
    case KafkaMechanism::plain: {
      const std::string secret = security.username + '\0' + security.password.reveal();
      return TRY(say(wire, std::string(1, '\0') + secret)).lifetime;
    }
    case KafkaMechanism::scram_sha_256:
    case KafkaMechanism::scram_sha_512: return by_scram(wire, security);
    case KafkaMechanism::oauthbearer: return by_token(wire, options);
  }
  return Duration(0);
}

Scram::Scram(KafkaMechanism mechanism, std::string user, std::string password, std::string nonce)
    : long_(mechanism == KafkaMechanism::scram_sha_512),
      user_(escaped(user)),
      password_(std::move(password)),
      nonce_(std::move(nonce)) {}

std::string Scram::first() const {
  return std::string(kNoBinding) + "n=" + user_ + ",r=" + nonce_;
}

Bytes Scram::keyed(const Bytes& key, BytesView text) const {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  HMAC(hash_of(long_), key.data(), static_cast<int>(key.size()),
       reinterpret_cast<const unsigned char*>(text.data()), text.size(), out, &size);
  return {reinterpret_cast<const char*>(out), size};
}

Bytes Scram::digest(BytesView text) const {
  unsigned char out[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  EVP_Digest(text.data(), text.size(), out, &size, hash_of(long_), nullptr);
  return {reinterpret_cast<const char*>(out), size};
}

Result<std::string> Scram::last(const std::string& server_first) {
  const auto both = part(server_first, 'r');
  const auto salt_text = part(server_first, 's');
  const auto rounds_text = part(server_first, 'i');
  Bytes salt;
  int rounds = 0;
  const bool whole =
      both && both->starts_with(nonce_) && both->size() > nonce_.size() && salt_text &&
      from_base64(*salt_text, salt) && rounds_text &&
      std::from_chars(rounds_text->data(), rounds_text->data() + rounds_text->size(), rounds).ec ==
          std::errc();
  if (!whole || rounds < kLeastRounds || rounds > kMostRounds)
    return Error{Code::invalid, "the broker's answer to SCRAM is not one"};
  Bytes salted(long_ ? 64 : 32, '\0');
  PKCS5_PBKDF2_HMAC(password_.data(), static_cast<int>(password_.size()),
                    reinterpret_cast<const unsigned char*>(salt.data()), static_cast<int>(salt.size()),
                    rounds, hash_of(long_), static_cast<int>(salted.size()),
                    reinterpret_cast<unsigned char*>(salted.data()));
  const std::string bare = first().substr(kNoBinding.size());
  const std::string without_proof = "c=" + to_base64(kNoBinding) + ",r=" + *both;
  const std::string signed_text = bare + "," + server_first + "," + without_proof;
  Bytes proof = keyed(salted, "Client Key");
  const Bytes signature = keyed(digest(proof), signed_text);
  for (size_t i = 0; i < proof.size(); ++i) proof[i] = static_cast<char>(proof[i] ^ signature[i]);
  server_signature_ = to_base64(keyed(keyed(salted, "Server Key"), signed_text));
  return without_proof + ",p=" + to_base64(proof);
}

bool Scram::proves(const std::string& server_last) const {
  const auto told = part(server_last, 'v');
  return told && told->size() == server_signature_.size() &&
         CRYPTO_memcmp(told->data(), server_signature_.data(), told->size()) == 0;
}

}  // namespace tradewind::log::kafka
