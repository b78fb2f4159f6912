#include "log/kafka/wire.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <climits>
#include <condition_variable>
#include <cstring>
#include <mutex>
#include <thread>

#include "log/kafka/identity.h"
#include "log/kafka/protocol.h"
#include "log/kafka/trouble.h"

namespace tradewind::log::kafka {
namespace {

constexpr int64_t kMsNs = 1'000'000;
constexpr size_t kMostAnswer = 256 << 20;  // bytes
constexpr int kApiVersions = 18;

struct AddressesGone {
  void operator()(addrinfo* list) const { ::freeaddrinfo(list); }
};
using Addresses = std::unique_ptr<addrinfo, AddressesGone>;

// 0, or why not.
int look_up(const std::string& host, const std::string& port, int flags, Addresses& to) {
  addrinfo wanted{};
  wanted.ai_socktype = SOCK_STREAM;
  wanted.ai_flags = flags;
  addrinfo* found = nullptr;
  const int code = ::getaddrinfo(host.c_str(), port.c_str(), &wanted, &found);
  if (code == 0) to.reset(found);
  return code;
}

struct LookUp {
  std::mutex mutex;
  std::condition_variable told;
  bool done = false;
  int code = 0;
  Addresses found;
};

// The resolver knows no time limit: a thread waits for it, and goes on alone when nobody waits for the thread
// any more.
Result<Addresses> resolve(const std::string& host, const std::string& port, Duration wait) {
  Addresses known;
  if (look_up(host, port, AI_NUMERICHOST, known) == 0) return known;
  const auto shared = std::make_shared<LookUp>();  // the last of the two ends it
  std::thread([shared, host, port] {
    Addresses found;
    const int code = look_up(host, port, 0, found);
    const std::lock_guard lock(shared->mutex);
    shared->code = code;
    shared->found = std::move(found);
    shared->done = true;
    shared->told.notify_one();
  }).detach();
  std::unique_lock lock(shared->mutex);
  const std::chrono::milliseconds most(wait.count());
  if (!shared->told.wait_for(lock, most, [&] { return shared->done; }))
    return Error{Code::unavailable, "nobody says in time which machine is called " + host};
  if (shared->code != 0)
    return Error{Code::unavailable,
                 "no host is called " + host + " here (" + ::gai_strerror(shared->code) + ")"};
  return std::move(shared->found);
}

// Whether the socket is ready for the events, or has failed, before the time is over.
bool ready_by(int socket, int16_t events, Clock& clock, int64_t until_ns) {
  while (true) {
    const int64_t left_ns = until_ns - clock.monotonic_ns();
    if (left_ns <= 0) return false;
    pollfd ready{.fd = socket, .events = events, .revents = 0};
    const auto left_ms = std::min<int64_t>((left_ns + kMsNs - 1) / kMsNs, INT_MAX);
    const int found = ::poll(&ready, 1, static_cast<int>(left_ms));
    if (found > 0) return true;
    if (found < 0 && errno != EINTR) return false;
  }
}

int64_t end_of(const Wire::Limits& limits, Clock& clock) {
  return std::min(clock.monotonic_ns() + limits.wait.count() * kMsNs, limits.until_ns);
}

// 0, or why not.
int connect_within(int socket, const addrinfo& to, Clock& clock, const Wire::Limits& limits) {
  if (::connect(socket, to.ai_addr, to.ai_addrlen) != 0) {
    if (errno != EINPROGRESS) return errno;
    if (!ready_by(socket, POLLOUT, clock, end_of(limits, clock))) return ETIMEDOUT;
    int failed = 0;
    socklen_t size = sizeof failed;
    ::getsockopt(socket, SOL_SOCKET, SO_ERROR, &failed, &size);
    if (failed != 0) return failed;
  }
  const int on = 1;
  ::setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  return 0;
}

BrokerFeatures features_of(Told& answer) {
  BrokerFeatures found;
  for (uint64_t left = answer.compact(); left > 1 && !answer.broken(); --left) {
    const auto key = static_cast<int>(answer.number16());
    const auto least = static_cast<int>(answer.number16());
    found.apis[key] = {least, static_cast<int>(answer.number16())};
    answer.skip_tags();
  }
  answer.number32();  // throttled for so long
  for (uint64_t tags = answer.compact(); tags > 0 && !answer.broken(); --tags) {
    const uint64_t tag = answer.compact();
    const uint64_t size = answer.compact();
    constexpr uint64_t kFinalized = 2;
    if (tag != kFinalized) {
      answer.pass_over(size);
      continue;
    }
    for (uint64_t left = answer.compact(); left > 1 && !answer.broken(); --left) {
      const std::string name = answer.compact_text();
      found.features[name] = static_cast<int>(answer.number16());
      answer.number16();
      answer.skip_tags();
    }
  }
  return found;
}

std::string last_words_of_tls() {
  char text[256] = "no reason";
  if (const auto code = ERR_get_error(); code != 0) ERR_error_string_n(code, text, sizeof text);
  return text;
}

std::string name_text(const X509_NAME* name) {
  BIO* out = BIO_new(BIO_s_mem());
  X509_NAME_print_ex(out, name, 0, XN_FLAG_RFC2253);
  char* data = nullptr;
  const long size = BIO_get_mem_data(out, &data);
  std::string text(data, static_cast<size_t>(size));
  BIO_free(out);
  return text;
}

std::string der_of(X509* certificate) {
  unsigned char* bytes = nullptr;
  const int size = i2d_X509(certificate, &bytes);
  if (size <= 0) return "";
  std::string der(reinterpret_cast<char*>(bytes), static_cast<size_t>(size));
  OPENSSL_free(bytes);
  return der;
}

// Keeps the names of a certificate that is not believed: after the handshake it is gone.
int keep_names(int believed, X509_STORE_CTX* chain) {
  if (believed == 1) return 1;
  const auto* session =
      static_cast<SSL*>(X509_STORE_CTX_get_ex_data(chain, SSL_get_ex_data_X509_STORE_CTX_idx()));
  *static_cast<std::string*>(SSL_get_app_data(session)) =
      certificate_names(der_of(X509_STORE_CTX_get_current_cert(chain)));
  return 0;
}

}  // namespace

struct Wire::Tls {
  std::string names;  // of a certificate that was not believed
  SSL_CTX* context = SSL_CTX_new(TLS_client_method());
  SSL* session = nullptr;

  ~Tls() {
    SSL_free(session);
    SSL_CTX_free(context);
  }
};

Result<std::pair<std::string, std::string>> host_and_port(const std::string& address) {
  const size_t colon = address.rfind(':');
  const bool bracket = address.ends_with("]");
  std::string host = colon == std::string::npos || bracket ? address : address.substr(0, colon);
  const std::string port = colon == std::string::npos || bracket ? "9092" : address.substr(colon + 1);
  if (host.starts_with("[") && host.ends_with("]")) host = host.substr(1, host.size() - 2);
  int number = 0;
  const auto [end, failed] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (host.empty() || failed != std::errc() || end != port.data() + port.size() || number < 1 ||
      number > 65535)
    return Error{Code::invalid, "'" + address + "' is no HOST:PORT; mend log.at"};
  return std::pair(host, port);
}

Result<std::vector<std::string>> addresses_of(const std::string& host, const std::string& port) {
  const Addresses list = TRY(resolve(host, port, Wire::Limits().wait));
  std::vector<std::string> texts;
  for (const addrinfo* one = list.get(); one != nullptr; one = one->ai_next) {
    char text[NI_MAXHOST];
    if (::getnameinfo(one->ai_addr, one->ai_addrlen, text, sizeof text, nullptr, 0, NI_NUMERICHOST) == 0)
      texts.emplace_back(text);
  }
  return texts;
}

Wire::Wire(int socket, std::string address, const KafkaOptions& options, const Limits& limits)
    : socket_(socket), address_(std::move(address)), options_(options), limits_(limits) {}

Wire::~Wire() {
  tls_.reset();
  ::close(socket_);
}

Result<std::unique_ptr<Wire>> Wire::connect(const std::string& address, const KafkaOptions& options,
                                            const Limits& limits) {
  const auto [host, port] = TRY(host_and_port(address));
  const int64_t left_ns = end_of(limits, *options.clock) - options.clock->monotonic_ns();
  const Addresses list = TRY(resolve(host, port, Duration(std::max<int64_t>(left_ns / kMsNs, 1))));
  int failed = 0;
  for (const addrinfo* one = list.get(); one != nullptr; one = one->ai_next) {
    const int socket = ::socket(one->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    failed = socket < 0 ? errno : connect_within(socket, *one, *options.clock, limits);
    if (failed == 0) return std::unique_ptr<Wire>(new Wire(socket, address, options, limits));
    if (socket < 0) continue;
    ::close(socket);
  }
  Trouble trouble{.kind = failed == ECONNREFUSED ? TroubleKind::refused : TroubleKind::unanswered,
                  .where = address,
                  .detail = std::strerror(failed)};
  return Error{Code::unavailable, explained(trouble, options)};
}

Result<ShownCertificate> Wire::secure() {
  const KafkaSecurity& security = options_.security;
  tls_ = std::make_unique<Tls>();
  const int known = security.ca.empty()
                        ? SSL_CTX_set_default_verify_paths(tls_->context)
                        : SSL_CTX_load_verify_locations(tls_->context, security.ca.c_str(), nullptr);
  if (known != 1) return refused_property(security, "ssl.ca.location failed: " + last_words_of_tls());
  if (!security.certificate.empty()) {
    if (SSL_CTX_use_certificate_chain_file(tls_->context, security.certificate.c_str()) != 1)
      return refused_property(security, "ssl.certificate.location failed: " + last_words_of_tls());
    SSL_CTX_set_default_passwd_cb_userdata(tls_->context,
                                           const_cast<char*>(security.key_password.reveal().c_str()));
    if (SSL_CTX_use_PrivateKey_file(tls_->context, security.key.c_str(), SSL_FILETYPE_PEM) != 1)
      return refused_property(security, "ssl.key.location failed: " + last_words_of_tls());
  }
  const auto [host, port] = TRY(host_and_port(address_));
  tls_->session = SSL_new(tls_->context);
  SSL_set_app_data(tls_->session, &tls_->names);
  SSL_set_verify(tls_->session, SSL_VERIFY_PEER, keep_names);
  unsigned char number[16];
  const bool numeric =
      ::inet_pton(AF_INET, host.c_str(), number) == 1 || ::inet_pton(AF_INET6, host.c_str(), number) == 1;
  if (!numeric) SSL_set_tlsext_host_name(tls_->session, host.c_str());
  if (security.name_check == KafkaNameCheck::https) {
    if (numeric) {
      X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls_->session), host.c_str());
    } else {
      SSL_set1_host(tls_->session, host.c_str());
    }
  }
  SSL_set_fd(tls_->session, socket_);
  ERR_clear_error();
  int done = SSL_connect(tls_->session);
  while (done != 1 && wait(done)) done = SSL_connect(tls_->session);
  if (done != 1) {
    const auto judged = static_cast<int>(SSL_get_verify_result(tls_->session));
    Trouble trouble{.kind = TroubleKind::speaks_no_tls, .where = address_, .detail = last_words_of_tls()};
    if (judged != X509_V_OK) trouble = trouble_of_certificate(judged, address_, tls_->names);
    return Error{Code::unavailable, explained(trouble, options_)};
  }
  X509* shown = SSL_get0_peer_certificate(tls_->session);
  tm expires{};
  ASN1_TIME_to_tm(X509_get0_notAfter(shown), &expires);
  return ShownCertificate{.names = certificate_names(der_of(shown)),
                          .issuer = name_text(X509_get_issuer_name(shown)),
                          .expires = {static_cast<int64_t>(::timegm(&expires)) * 1'000},
                          .protocol = SSL_get_version(tls_->session)};
}

bool Wire::wait_for(int16_t events) {
  const bool ready = ready_by(socket_, events, *options_.clock, end_of(limits_, *options_.clock));
  waited_in_vain_ = !ready;
  return ready;
}

// Behind a call of TLS that gave this instead of bytes: true when it is to be made again.
bool Wire::wait(int result) {
  switch (SSL_get_error(tls_->session, result)) {
    case SSL_ERROR_WANT_READ: return wait_for(POLLIN);
    case SSL_ERROR_WANT_WRITE: return wait_for(POLLOUT);
    default: return false;
  }
}

// Some bytes to or from the broker, as soon as it takes or sends them; how many, or 0 or less.
template <typename ByTls, typename Plainly>
int Wire::step(int16_t events, const ByTls& by_tls, const Plainly& plainly) {
  ERR_clear_error();
  waited_in_vain_ = false;
  while (true) {
    const auto moved = static_cast<int>(tls_ != nullptr ? by_tls() : plainly());
    if (moved > 0) return moved;
    const bool later = errno == EAGAIN || errno == EWOULDBLOCK;
    const bool again =
        tls_ != nullptr ? wait(moved) : moved < 0 && (errno == EINTR || (later && wait_for(events)));
    if (!again) return moved;
  }
}

bool Wire::open() const {
  if (asked_ != answered_) return true;
  char next = 0;
  const auto got = ::recv(socket_, &next, 1, MSG_PEEK | MSG_DONTWAIT);
  if (got > 0) return tls_ != nullptr;  // what TLS says of itself may come unasked
  return got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK);
}

Result<> Wire::ask(int api, int version, BytesView body) {
  const std::string& client = options_.instance;
  Asked head;
  head.number32(static_cast<int32_t>(2 + 2 + 4 + 2 + client.size() + body.size()))
      .number16(static_cast<int16_t>(api))
      .number16(static_cast<int16_t>(version))
      .number32(++asked_)
      .text(client);
  ERR_clear_error();
  return send(head.raw(body).body());
}

Result<Bytes> Wire::answer() {
  Buffer body;
  if (!TRY(answer_so_far(body))) return Error{Code::unavailable, address_ + " does not answer"};
  return Bytes(body.view());
}

Result<bool> Wire::answer_so_far(Buffer& to) {
  const bool begun = coming_.of_head == sizeof coming_.head;
  auto got = begun ? Result<>() : receive(coming_.head, sizeof coming_.head, coming_.of_head);
  if (got.ok() && !begun) {
    Told start({coming_.head, sizeof coming_.head});
    const auto size = static_cast<uint32_t>(start.number32());
    const int32_t number = start.number32();
    if (number != ++answered_ || size < 4 || size > kMostAnswer)
      return Error{Code::unavailable, address_ + " does not answer as Kafka does; mend log.at"};
    to.resize(size - 4);
  }
  if (got.ok()) got = receive(to.data(), to.size(), coming_.of_body);
  if (!got.ok() && waited_in_vain_) return false;
  if (!got.ok()) return got.error();
  coming_ = {};
  return true;
}

Result<> Wire::send(BytesView bytes) {
  constexpr size_t kMostAtOnce = 1 << 20;
  while (!bytes.empty()) {
    const size_t most = std::min(bytes.size(), kMostAtOnce);
    const int sent = step(
        POLLOUT, [&] { return SSL_write(tls_->session, bytes.data(), static_cast<int>(most)); },
        [&] { return ::send(socket_, bytes.data(), most, MSG_NOSIGNAL); });
    if (sent <= 0 && waited_in_vain_) return Error{Code::unavailable, address_ + " takes no more bytes"};
    if (sent <= 0) return Error{Code::unavailable, address_ + " ends the connection"};
    bytes.remove_prefix(static_cast<size_t>(sent));
  }
  return {};
}

Result<> Wire::receive(char* to, size_t size, size_t& got) {
  while (got < size) {
    const int more = step(
        POLLIN, [&] { return SSL_read(tls_->session, to + got, static_cast<int>(size - got)); },
        [&] { return ::recv(socket_, to + got, size - got, 0); });
    if (more <= 0) {
      const Trouble trouble = trouble_of("hung up: " + last_words_of_tls());
      if (trouble.kind == TroubleKind::none) return Error{Code::unavailable, ""};
      return Error{Code::unavailable, explained({trouble.kind, address_, trouble.detail}, options_)};
    }
    got += static_cast<size_t>(more);
    heard_ += static_cast<size_t>(more);
  }
  return {};
}

Result<BrokerFeatures> Wire::features() {
  const std::string_view who(
      "\0\x0A"
      "tradewind"
      "\x02"
      "1"
      "\0",
      14);
  Asked body;
  body.number16(kApiVersions)
      .number16(3)   // the version of the request
      .number32(1)   // the number of this request
      .number16(-1)  // no client id
      .raw(who);
  Asked request;
  request.bytes(body.body());
  ERR_clear_error();
  TRY(send(request.body()));
  char head[4];
  size_t of_head = 0;
  auto got = receive(head, sizeof head, of_head);
  if (!got.ok()) {
    const Trouble trouble{.kind = TroubleKind::speaks_tls, .where = address_, .detail = ""};
    const bool guess = got.error().message.empty() && tls_ == nullptr;
    if (guess) return Error{Code::unavailable, explained(trouble, options_)};
    if (got.error().message.empty())
      return Error{Code::unavailable, address_ + " does not answer as Kafka does"};
    return got.error();
  }
  constexpr char kAlert = 0x15;  // how TLS begins to say that this is none
  if (tls_ == nullptr && head[0] == kAlert) {
    const Trouble trouble{.kind = TroubleKind::speaks_tls, .where = address_, .detail = ""};
    return Error{Code::unavailable, explained(trouble, options_)};
  }
  const auto size = static_cast<size_t>(Told({head, sizeof head}).number32());
  if (size < 6 || size > kMostAnswer)
    return Error{Code::unavailable, address_ + " does not answer as Kafka does; mend log.at"};
  std::string bytes(size, '\0');
  size_t of_bytes = 0;
  TRY(receive(bytes.data(), size, of_bytes));
  Told answer(bytes);
  answer.number32();
  if (answer.number16() != 0)
    return Error{Code::unsupported, address_ + " is older than Kafka 2.4; use Kafka 3.9 or later"};
  return features_of(answer);
}

std::string certificate_subject(const std::string& path) {
  BIO* in = BIO_new_file(path.c_str(), "rb");
  if (in == nullptr) return "";
  X509* certificate = PEM_read_bio_X509(in, nullptr, nullptr, nullptr);
  BIO_free(in);
  if (certificate == nullptr) return "";
  std::string subject = name_text(X509_get_subject_name(certificate));
  X509_free(certificate);
  return subject;
}

}  // namespace tradewind::log::kafka
