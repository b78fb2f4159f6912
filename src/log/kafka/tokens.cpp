#include "log/kafka/tokens.h"

#include <curl/curl.h>

#include <algorithm>
#include <memory>

#include "base/bytes.h"
#include "base/json.h"

namespace tradewind::log::kafka {
namespace {

constexpr long kConnectMs = 4'000;
constexpr long kAnswerMs = 8'000;
constexpr size_t kMostAnswer = 1 << 20;  // bytes
constexpr const char* kEndpoint = "log.kafka.sasl.oauthbearer.token.endpoint.url";

struct CurlGone {
  void operator()(CURL* curl) const { curl_easy_cleanup(curl); }
};
using Curl = std::unique_ptr<CURL, CurlGone>;

size_t take(char* data, size_t, size_t size, void* to) {
  auto& body = *static_cast<std::string*>(to);
  if (body.size() + size > kMostAnswer) return 0;
  body.append(data, size);
  return size;
}

size_t take_date(char* data, size_t, size_t size, void* to) {
  constexpr std::string_view kDate = "date:";
  std::string line(data, size);
  std::transform(line.begin(), line.begin() + static_cast<ptrdiff_t>(std::min(size, kDate.size())),
                 line.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  if (line.starts_with(kDate)) *static_cast<time_t*>(to) = curl_getdate(line.c_str() + kDate.size(), nullptr);
  return size;
}

std::string escaped(CURL* curl, const std::string& text) {
  const std::unique_ptr<char, void (*)(void*)> made(
      curl_easy_escape(curl, text.data(), static_cast<int>(text.size())), curl_free);
  return made == nullptr ? "" : made.get();
}

// What a token that is a JWT says of itself; an empty object of any other.
Json claims_of(const std::string& token) {
  const size_t first = token.find('.');
  const size_t second = token.find('.', first == std::string::npos ? first : first + 1);
  if (second == std::string::npos) return Json::object();
  std::string part = token.substr(first + 1, second - first - 1);
  std::replace(part.begin(), part.end(), '-', '+');
  std::replace(part.begin(), part.end(), '_', '/');
  part.append((4 - part.size() % 4) % 4, '=');
  Bytes text;
  if (!from_base64(part, text)) return Json::object();
  auto claims = parse_json(text);
  return claims.ok() && claims->is(Json::Kind::object) ? std::move(*claims) : Json::object();
}

Error not_reached(CURLcode code, const KafkaSecurity& security) {
  const std::string at = "the token endpoint " + security.token_endpoint;
  const std::string why = std::string(" (") + curl_easy_strerror(code) + ")";
  switch (static_cast<int>(code)) {
    case CURLE_PEER_FAILED_VERIFICATION:
      return {Code::invalid, at + " shows a certificate that is not believed" + why +
                                 "; name its authority in log.kafka.https.ca.location"};
    case CURLE_SSL_CACERT_BADFILE:
      return {Code::invalid, "log.kafka.https.ca.location is " + security.endpoint_ca +
                                 ", which cannot be read" + why + "; name a file of certificates (PEM)"};
    case CURLE_COULDNT_RESOLVE_HOST:
      return {Code::unavailable, at + " is a host nobody knows" + why + "; mend " + kEndpoint};
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_URL_MALFORMAT: return {Code::invalid, at + " is no address" + why + "; mend " + kEndpoint};
    default:
      return {Code::unavailable,
              at + " does not answer" + why + "; check that it runs, or mend " + kEndpoint};
  }
}

// What the endpoint says, as far as it can stand in a message: no body of an unknown kind, which may repeat
// what was sent.
Error refused(long status, const Json& answer, const KafkaSecurity& security) {
  const std::string kind = answer.string_at("error").value_or("");
  const std::string at = "the token endpoint " + security.token_endpoint + " answers " +
                         std::to_string(status) + (kind.empty() ? "" : " (" + kind + ")");
  if (status >= 500 || status == 429) return {Code::unavailable, at + "; try again, or ask who runs it"};
  if (kind == "invalid_scope") return {Code::invalid, at + "; mend log.kafka.sasl.oauthbearer.scope"};
  if (status == 400 || status == 401 || status == 403) {
    return {Code::invalid, at + " to client '" + security.client_id +
                               "'; mend log.kafka.sasl.oauthbearer.client.id or .client.secret"};
  }
  return {Code::invalid, at + ", which is no token; mend " + kEndpoint};
}

}  // namespace

Duration Tokens::clock_ahead() const {
  const std::lock_guard lock(mutex_);
  return clock_ahead_;
}

// librdkafka asks anew when four fifths of a life are over: by then every client gets the next one.
Result<Token> Tokens::get() {
  const std::lock_guard lock(mutex_);
  const Duration life = last_.expires - last_.fetched;
  if (!last_.text.empty() && clock_.now() < last_.fetched + life * 3 / 4) return last_;
  last_ = TRY(fetch());
  return last_;
}

Result<Token> Tokens::fetch() {
  const Curl curl(curl_easy_init());
  std::string body;
  time_t date = 0;
  std::string form = "grant_type=client_credentials";
  if (!security_.scope.empty()) form += "&scope=" + escaped(curl.get(), security_.scope);
  const std::string id = escaped(curl.get(), security_.client_id);
  const std::string secret = escaped(curl.get(), security_.client_secret.reveal());
  curl_slist* headers = curl_slist_append(nullptr, "Accept: application/json");
  curl_easy_setopt(curl.get(), CURLOPT_URL, security_.token_endpoint.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_HTTPHEADER, headers);
  curl_easy_setopt(curl.get(), CURLOPT_POSTFIELDS, form.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_HTTPAUTH, CURLAUTH_BASIC);
  curl_easy_setopt(curl.get(), CURLOPT_USERNAME, id.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_PASSWORD, secret.c_str());
  curl_easy_setopt(curl.get(), CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(curl.get(), CURLOPT_CONNECTTIMEOUT_MS, kConnectMs);
  curl_easy_setopt(curl.get(), CURLOPT_TIMEOUT_MS, kAnswerMs);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEFUNCTION, take);
  curl_easy_setopt(curl.get(), CURLOPT_WRITEDATA, &body);
  curl_easy_setopt(curl.get(), CURLOPT_HEADERFUNCTION, take_date);
  curl_easy_setopt(curl.get(), CURLOPT_HEADERDATA, &date);
  if (!security_.endpoint_ca.empty())
    curl_easy_setopt(curl.get(), CURLOPT_CAINFO, security_.endpoint_ca.c_str());
  const CURLcode code = curl_easy_perform(curl.get());
  curl_slist_free_all(headers);
  if (code != CURLE_OK) return not_reached(code, security_);
  long status = 0;
  curl_easy_getinfo(curl.get(), CURLINFO_RESPONSE_CODE, &status);
  const Timestamp now = clock_.now();
  if (date > 0) clock_ahead_ = Timestamp{static_cast<int64_t>(date) * 1'000} - now;
  const auto parsed = parse_json(body);
  const Json answer = parsed.ok() ? *parsed : Json();
  const auto text = answer.string_at("access_token");
  if (status != 200 || !text || text->empty()) return refused(status, answer, security_);

  const Json claims = claims_of(*text);
  const Json* exp = claims.find("exp");
  const Json* life = answer.find("expires_in");
  Token token{
      .text = *text, .subject = claims.string_at("sub").value_or(security_.client_id), .fetched = now};
  if (exp != nullptr && exp->real()) {
    token.expires = {static_cast<int64_t>(*exp->real() * 1'000)};
  } else if (life != nullptr && life->real()) {
    token.expires = {now.ms + static_cast<int64_t>(*life->real() * 1'000)};
  } else {
    return Error{Code::invalid, "the token of " + security_.token_endpoint +
                                    " does not tell how long it is good; the endpoint must give expires_in"};
  }
  if (token.expires <= now) {
    return Error{Code::invalid, "the token of " + security_.token_endpoint + " has expired at " +
                                    to_iso(token.expires) + " already, and here it is " + to_iso(now) +
                                    "; set the clock of this machine, or the endpoint's"};
  }
  return token;
}

Result<> first_token(const KafkaOptions& options) {
  constexpr Duration kPause(500);
  const int64_t until = options.clock->monotonic_ns() + options.start_patience.count() * 1'000'000;
  while (true) {
    const auto token = options.tokens->get();
    if (token.ok()) return {};
    const bool again = token.error().code == Code::unavailable && options.clock->monotonic_ns() < until;
    if (!again) return token.error();
    options.clock->sleep(kPause);
  }
}

Result<KafkaOptions> ready_options(const KafkaOptions& given) {
  static SystemClock real_clock;
  KafkaOptions options = given;
  if (options.clock == nullptr) options.clock = &real_clock;
  if (options.servers.empty())
    return Error{Code::invalid, "Kafka's brokers are not named: HOST:PORT[,HOST:PORT]..."};
  TRY(options.security.check());
  if (options.security.has_tokens()) {
    options.tokens = std::make_shared<Tokens>(options.security, *options.clock);
    TRY(first_token(options));
  }
  return options;
}

}  // namespace tradewind::log::kafka
