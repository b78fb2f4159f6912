#include "net/http_client.h"

#include <curl/curl.h>

#include <cstdlib>

namespace tradewind::net {
namespace {

struct Sink {
  const std::function<bool(std::string_view)>* each = nullptr;
  CURL* curl = nullptr;
  size_t most = SIZE_MAX;
  std::string body;
  bool ended = false;
  bool too_much = false;
};

size_t take(char* data, size_t, size_t size, void* to) {
  auto& sink = *static_cast<Sink*>(to);
  long status = 0;
  curl_easy_getinfo(sink.curl, CURLINFO_RESPONSE_CODE, &status);
  if (sink.each == nullptr || status != 200) {
    sink.too_much = size > sink.most - sink.body.size();
    if (sink.too_much) return 0;
    sink.body.append(data, size);
    return size;
  }
  if (!(*sink.each)({data, size})) {
    sink.ended = true;
    return 0;
  }
  return size;
}

int look(void* to, curl_off_t, curl_off_t, curl_off_t, curl_off_t) {
  const auto& ended = *static_cast<const std::function<bool()>*>(to);
  return ended != nullptr && ended() ? 1 : 0;
}

HttpTrouble trouble_of(CURLcode code, std::string_view said) {
  switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:  // curl tells the two apart in words only
      return said.find("subject name") == std::string_view::npos ? HttpTrouble::untrusted
                                                                 : HttpTrouble::wrong_name;
    case CURLE_SSL_CONNECT_ERROR:
      return said.find("wrong version number") == std::string_view::npos ? HttpTrouble::none
                                                                         : HttpTrouble::no_tls;
    case CURLE_SSL_CACERT_BADFILE: return HttpTrouble::trusted_file;
    case CURLE_SSL_CERTPROBLEM: return HttpTrouble::own_file;
    default: return HttpTrouble::none;
  }
}

}  // namespace

struct HttpClient::Handle {
  HttpClientOptions options;
  std::string base_url;
  std::function<bool()> ended;
  std::string authorization;  // a header, or empty
  HttpTrouble trouble = HttpTrouble::none;
  CURL* curl = curl_easy_init();

  explicit Handle(HttpClientOptions asked) : options(std::move(asked)), base_url(options.base_url) {
    while (!base_url.empty() && base_url.back() == '/') base_url.pop_back();
    if (!options.authorization.empty()) authorization = "Authorization: " + options.authorization;
  }
  void show_own_key() {
    const char* key = std::getenv("TW_API_KEY");
    if (key != nullptr && *key != '\0') authorization = std::string("Authorization: Bearer ") + key;
  }
  ~Handle() { curl_easy_cleanup(curl); }

  Result<Answer> run(const std::string& target, const std::string_view* body,
                     const std::map<std::string, std::string>& headers, Duration deadline,
                     const std::function<bool(std::string_view)>* each, const char* method = nullptr) {
    curl_easy_reset(curl);
    const std::string url = base_url + target;
    Sink sink{.each = each, .curl = curl, .most = options.most_bytes};
    char why[CURL_ERROR_SIZE] = "";
    curl_slist* list = nullptr;
    for (const auto& [name, value] : headers) list = curl_slist_append(list, (name + ": " + value).c_str());
    list = curl_slist_append(list, "Expect:");
    if (!authorization.empty() && !headers.contains("Authorization"))
      list = curl_slist_append(list, authorization.c_str());
    curl_easy_setopt(curl, CURLOPT_URL, url.c_str());
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, why);
    set_tls();
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(options.connect_time.count()));
    curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, static_cast<long>(deadline.count()));
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, &sink);
    if (ended != nullptr) {
      curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
      curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, look);
      curl_easy_setopt(curl, CURLOPT_XFERINFODATA, &ended);
    }
    if (body != nullptr) {
      curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(body->size()));
      curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body->data());
    }
    if (method != nullptr) curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, method);
    const CURLcode code = curl_easy_perform(curl);
    curl_slist_free_all(list);
    long status = 0;
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, nullptr);
    trouble = trouble_of(code, why);
    if (sink.too_much) {
      return Error{Code::unavailable, "the answer from " + base_url + " has more than " +
                                          std::to_string(options.most_bytes) + " bytes"};
    }
    if (code != CURLE_OK && code != CURLE_ABORTED_BY_CALLBACK && !sink.ended) {
      const char* said = *why != '\0' ? why : curl_easy_strerror(code);
      return Error{Code::unavailable, "no answer from " + base_url + ": " + said};
    }
    return answer_of(static_cast<int>(status), std::move(sink.body));
  }

  void set_tls() {
    const auto set = [this](CURLoption option, const std::string& file) {
      if (!file.empty()) curl_easy_setopt(curl, option, file.c_str());
    };
    set(CURLOPT_CAINFO, options.ca_file);
    set(CURLOPT_SSLCERT, options.certificate_file);
    set(CURLOPT_SSLKEY, options.key_file);
  }

  Answer answer_of(int status, std::string body) {
    Answer answer{.status = status, .body = std::move(body)};
    curl_off_t retry_after = 0;
    const char* redirect = nullptr;
    const char* type = nullptr;
    curl_easy_getinfo(curl, CURLINFO_RETRY_AFTER, &retry_after);
    curl_easy_getinfo(curl, CURLINFO_REDIRECT_URL, &redirect);
    curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type);
    answer.retry_after_seconds = static_cast<int64_t>(retry_after);
    if (redirect != nullptr) answer.redirect = redirect;
    if (type != nullptr) answer.content_type = type;
    return answer;
  }
};

HttpClient::HttpClient(std::string base_url)
    : handle_(std::make_unique<Handle>(HttpClientOptions{.base_url = std::move(base_url)})) {
  handle_->show_own_key();
}
HttpClient::HttpClient(HttpClientOptions options) : handle_(std::make_unique<Handle>(std::move(options))) {}
HttpClient::~HttpClient() = default;

void HttpClient::ended_by(std::function<bool()> ended) {
  handle_->ended = std::move(ended);
}

HttpTrouble HttpClient::trouble() const {
  return handle_->trouble;
}

Result<Answer> HttpClient::get(const std::string& target, Duration deadline) {
  return handle_->run(target, nullptr, {}, deadline, nullptr);
}

Result<Answer> HttpClient::post(const std::string& target, std::string_view body,
                                const std::map<std::string, std::string>& headers, Duration deadline) {
  return handle_->run(target, &body, headers, deadline, nullptr);
}

Result<Answer> HttpClient::request(const std::string& method, const std::string& target,
                                   std::string_view body, const std::map<std::string, std::string>& headers,
                                   Duration deadline) {
  return handle_->run(target, &body, headers, deadline, nullptr, method.c_str());
}

Result<Answer> HttpClient::stream_get(const std::string& target, Duration deadline,
                                      const std::function<bool(std::string_view)>& each) {
  return handle_->run(target, nullptr, {}, deadline, &each);
}

Result<Answer> HttpClient::stream(const std::string& target, std::string_view body,
                                  const std::map<std::string, std::string>& headers, Duration deadline,
                                  const std::function<bool(std::string_view)>& each) {
  return handle_->run(target, &body, headers, deadline, &each);
}

}  // namespace tradewind::net
