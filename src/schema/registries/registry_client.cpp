#include "schema/registries/registry_client.h"

#include <algorithm>

#include "base/bytes.h"

namespace tradewind::schema {
namespace {

constexpr Duration kFirstPause(100);
constexpr Duration kMostPause(2'000);
constexpr Duration kLeftAlone(2'000);  // once it is known to be away
constexpr Duration kConnectTime(1'000);
constexpr Duration kLeastTry(500);
constexpr size_t kMostBytes = size_t{16} << 20;
constexpr size_t kMostIdle = 16;  // clients kept of one address
constexpr size_t kMostAddresses = 16;
constexpr const char* kType = "application/vnd.schemaregistry.v1+json";

Result<> check_address(const std::string& url) {
  const auto wrong = [&](const std::string& why) {
    return Error{Code::invalid, "registry.url: '" + url + "' " + why +
                                    "; write http://HOST:PORT or https://HOST, with the path of its API if "
                                    "it has one"};
  };
  const size_t scheme = url.find("://");
  if (!url.starts_with("http://") && !url.starts_with("https://"))
    return wrong("is no http or https address");
  const std::string rest = url.substr(scheme + 3);
  const std::string host = rest.substr(0, rest.find('/'));
  if (host.find('@') != std::string::npos) {  // not repeated: there may be a password in it
    return Error{Code::invalid,
                 "registry.url: an address holds a user and a password; give them as registry.basic.auth"};
  }
  if (host.empty() || host.front() == ':') return wrong("names no host");
  if (url.find_first_of(" \t\r\n?#\"<>\\") != std::string::npos) return wrong("holds what no address may");
  return {};
}

Result<std::vector<std::string>> addresses_of(const std::string& text) {
  std::vector<std::string> urls;
  for (size_t from = 0; from <= text.size();) {
    const size_t comma = std::min(text.find(',', from), text.size());
    std::string url = text.substr(from, comma - from);
    url.erase(0, url.find_first_not_of(' '));
    while (!url.empty() && (url.back() == ' ' || url.back() == '/')) url.pop_back();
    TRY(check_address(url));
    urls.push_back(std::move(url));
    from = comma + 1;
  }
  if (urls.size() > kMostAddresses) {
    return Error{Code::invalid, "registry.url: " + std::to_string(urls.size()) + " addresses are too many; " +
                                    std::to_string(kMostAddresses) + " are taken"};
  }
  return urls;
}

Result<std::string> authorization_of(const RemoteRegistryOptions& options) {
  if (!options.basic_auth.empty() && !options.bearer.empty())
    return Error{Code::invalid, "registry.basic.auth and registry.bearer.token are both given; give one"};
  const auto one_line = [](const Secret& secret) {
    return secret.reveal().find_first_of("\r\n") == std::string::npos;
  };
  if (!one_line(options.basic_auth) || !one_line(options.bearer))
    return Error{Code::invalid, "registry.basic.auth or registry.bearer.token holds a line break; remove it"};
  if (!options.bearer.empty()) return "Bearer " + options.bearer.reveal();
  if (options.basic_auth.empty()) return std::string();
  if (options.basic_auth.reveal().find(':') == std::string::npos)
    return Error{Code::invalid, "registry.basic.auth is not USER:PASSWORD; write both with a colon between"};
  return "Basic " + to_base64(options.basic_auth.reveal());
}

bool worth_asking_again(const Result<net::Answer>& answer) {
  return !answer.ok() || answer->status >= 500 || answer->status == 429;
}

const char* remedy_of(net::HttpTrouble trouble) {
  switch (trouble) {
    case net::HttpTrouble::none: return "";
    case net::HttpTrouble::no_tls: return "; it speaks no TLS: write http:// or another port in registry.url";
    case net::HttpTrouble::untrusted:
      return "; name the file (PEM) of the authority that signed its certificate in registry.ssl.ca.location";
    case net::HttpTrouble::wrong_name:
      return "; its certificate is another host's: name the host in registry.url as the certificate does";
    case net::HttpTrouble::trusted_file:
      return "; registry.ssl.ca.location must name a file of certificates in PEM that can be read";
    case net::HttpTrouble::own_file:
      return "; registry.ssl.certificate.location and registry.ssl.key.location must name a certificate and "
             "its "
             "key in PEM";
  }
  return "";
}

// One line of what it said, short enough for a message.
std::string quoted(const std::string& body) {
  std::string line = body.substr(0, 120);
  std::replace_if(
      line.begin(), line.end(), [](unsigned char c) { return c < 0x20; }, ' ');
  return line;
}

}  // namespace

Result<std::unique_ptr<RegistryClient>> RegistryClient::open(const RemoteRegistryOptions& options,
                                                             Clock& clock) {
  std::unique_ptr<RegistryClient> made(new RegistryClient(options, clock));
  made->authorization_ = TRY(authorization_of(options));
  for (std::string& url : TRY(addresses_of(options.url))) {
    const bool open = url.starts_with("http://");
    if (open && !options.ca_file.empty())
      return Error{Code::invalid, "registry.ssl.ca.location is given, but " + url + " is not https"};
    made->addresses_.push_back({.url = std::move(url)});
  }
  made->random_ = Random(options.seed);
  return made;
}

RegistryClient::~RegistryClient() = default;

Result<net::Answer> RegistryClient::ask_one(size_t which, const RegistryRequest& request, Duration deadline) {
  Address& address = addresses_[which];
  std::unique_ptr<net::HttpClient> client;
  {
    const std::lock_guard lock(mutex_);
    if (!address.idle.empty()) {
      client = std::move(address.idle.back());
      address.idle.pop_back();
    }
  }
  if (client == nullptr) {
    client = std::make_unique<net::HttpClient>(
        net::HttpClientOptions{.base_url = address.url,
                               .authorization = authorization_,
                               .ca_file = options_.ca_file,
                               .certificate_file = options_.certificate_file,
                               .key_file = options_.key_file,
                               .connect_time = std::min(kConnectTime, options_.timeout),
                               .most_bytes = kMostBytes});
  }
  auto answer = request.method == "GET"
                    ? client->get(request.target, deadline)
                    : client->request(request.method, request.target, request.body,
                                      {{"Content-Type", kType}, {"Accept", kType}}, deadline);
  if (!answer.ok())
    answer = Error{answer.error().code, answer.error().message + remedy_of(client->trouble())};
  const std::lock_guard lock(mutex_);
  if (answer.ok() && address.idle.size() < kMostIdle) address.idle.push_back(std::move(client));
  return answer;
}

Result<net::Answer> RegistryClient::ask_each(const RegistryRequest& request, int64_t until_ns) {
  size_t first = 0;
  {
    const std::lock_guard lock(mutex_);
    first = preferred_;
  }
  std::optional<Result<net::Answer>> last;
  for (size_t i = 0; i < addresses_.size(); ++i) {
    const size_t which = (first + i) % addresses_.size();
    const Duration left((until_ns - clock_.monotonic_ns()) / 1'000'000);
    if (last && left.count() <= 0) break;
    last = ask_one(which, request, std::clamp(left, Duration(1), options_.timeout));
    if (!worth_asking_again(*last)) {
      const std::lock_guard lock(mutex_);
      preferred_ = which;
      break;
    }
    if (request.repeatable) continue;
    const std::lock_guard lock(mutex_);
    preferred_ = (which + 1) % addresses_.size();  // whoever asks again asks there
    break;
  }
  return *last;
}

Result<net::Answer> RegistryClient::ask(const RegistryRequest& request) {
  const bool away = trouble().has_value();
  if (const auto refused = refused_at_once()) return *refused;
  const int64_t until_ns = clock_.monotonic_ns() + options_.patience.count() * 1'000'000;
  for (int round = 0;; ++round) {
    auto answer = ask_each(request, until_ns);
    if (!worth_asking_again(answer)) {
      went_well();
      return answer;
    }
    const Duration wait = pause(round, answer);
    // A last try of a moment would say that the moment was short, and not what is wrong.
    const Duration least = std::min(kLeastTry, options_.patience / 20);
    const bool late = clock_.monotonic_ns() + (wait + least).count() * 1'000'000 >= until_ns;
    if (away || late || !request.repeatable) return went_wrong(answer);
    clock_.sleep(wait);
  }
}

// Half to all of a time that doubles, and not before the registry wants to be asked.
Duration RegistryClient::pause(int round, const Result<net::Answer>& last) {
  const Duration longest = std::min(kFirstPause * (int64_t{1} << std::min(round, 10)), kMostPause);
  const int64_t asked_ms = last.ok() ? std::min<int64_t>(last->retry_after_seconds, 3'600) * 1'000 : 0;
  const std::lock_guard lock(mutex_);
  return Duration(std::max(random_.between(longest.count() / 2, longest.count()), asked_ms));
}

std::optional<Error> RegistryClient::refused_at_once() {
  const std::lock_guard lock(mutex_);
  if (!trouble_) return std::nullopt;
  const int64_t now_ns = clock_.monotonic_ns();
  if (now_ns < look_again_ns_) return trouble_;
  look_again_ns_ = now_ns + kLeftAlone.count() * 1'000'000;  // others need not look meanwhile
  return std::nullopt;
}

std::optional<Error> RegistryClient::trouble() const {
  const std::lock_guard lock(mutex_);
  return trouble_;
}

void RegistryClient::went_well() {
  const std::lock_guard lock(mutex_);
  trouble_.reset();
}

Error RegistryClient::went_wrong(const Result<net::Answer>& last) {
  std::string what = "the schema registry at " + options_.url + " (registry.url) ";
  if (!last.ok())
    what += "does not answer: " + last.error().message;
  else
    what += "answers " + std::to_string(last->status) + ": " + quoted(last->body);
  const std::lock_guard lock(mutex_);
  trouble_ = Error{Code::unavailable, what};
  look_again_ns_ = clock_.monotonic_ns() + kLeftAlone.count() * 1'000'000;
  return *trouble_;
}

Error RegistryClient::strange(const std::string& what) {
  const std::lock_guard lock(mutex_);
  trouble_ = Error{Code::unavailable, "the schema registry at " + options_.url + " (registry.url) " + what};
  look_again_ns_ = 0;
  return *trouble_;
}

}  // namespace tradewind::schema
