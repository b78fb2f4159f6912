#include "http_load.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <vector>

namespace tradewind::bench {
namespace {

using Now = std::chrono::steady_clock;

constexpr double kWarmUp = 0.25;  // seconds
constexpr size_t kIdDigits = 12;
constexpr std::string_view kIdHead = "\"event_id\":\"0190c8a4-0000-7000-8000-";

[[noreturn]] void stop(const std::string& why) {
  std::fprintf(stderr, "bench ingest, producer: %s\n", why.c_str());
  std::exit(1);
}

std::string digits(uint64_t number, size_t width) {
  std::string text = std::to_string(number);
  return std::string(width - std::min(width, text.size()), '0') + text;
}

std::string event(uint64_t number) {
  const std::string product = std::to_string(number % 997);
  return "{" + std::string(kIdHead) + digits(number, kIdDigits) +
         "\",\"event_type\":\"PRODUCT_VIEWED\",\"event_time\":" +
         std::to_string(1'767'225'600'000 + number % 1'000'000) + ",\"visitor_id\":\"v-" +
         digits(number * 7919 % 50'000, 8) + "\",\"session_id\":\"s-" + digits(number * 31 % 1'000'000, 8) +
         "\",\"page\":{\"path\":\"/products/" + product + "\",\"title\":\"Product " + product +
         "\"},\"device\":{\"type\":\"MOBILE\",\"os\":\"iOS 19\"},\"items\":[{\"product_id\":\"p-" + product +
         "\",\"category\":\"shoes\",\"unit_price\":" + std::to_string(10 + number % 90) + ".95}]}";
}

struct Client {
  int socket = -1;
  bool waits = false;  // for an answer
  Now::time_point due;
  std::string request;
  std::vector<size_t> ids;  // where their digits stand in `request`
  std::string answer;
};

class Load {
 public:
  explicit Load(const LoadOptions& options) : options_(options), next_id_(options.first_id) {
    epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    clients_.resize(options.connections);
    for (Client& client : clients_) connect(client);
  }

  void run() {
    const auto start = Now::now();
    begin_ = start + std::chrono::duration_cast<Now::duration>(std::chrono::duration<double>(kWarmUp));
    end_ =
        begin_ + std::chrono::duration_cast<Now::duration>(std::chrono::duration<double>(options_.seconds));
    for (Client& client : clients_) idle_.push_back(&client);
    for (auto now = start; now < end_ || waiting_ > 0; now = Now::now()) {
      if (now >= begin_ && !begun_) {
        begun_ = true;
        std::puts("begin");
        std::fflush(stdout);
      }
      if (now < end_) send_what_is_due(now, start);
      if (now >= end_ && !ended_) say_end();
      take_answers();
    }
    if (!ended_) say_end();
    print();
  }

 private:
  void connect(Client& client) {
    client.socket = ::socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(options_.port));
    ::inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
    if (::connect(client.socket, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0)
      stop("cannot connect: " + std::string(std::strerror(errno)));
    const int on = 1;
    ::setsockopt(client.socket, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    ::fcntl(client.socket, F_SETFL, O_NONBLOCK);
    epoll_event wanted{.events = EPOLLIN, .data = {.ptr = &client}};
    ::epoll_ctl(epoll_, EPOLL_CTL_ADD, client.socket, &wanted);
    const std::string body = events_body(options_.events, 0);
    client.request =
        "POST /v1/events/customer-events HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
        "Content-Length: " +
        std::to_string(body.size()) + "\r\n\r\n" + body;
    for (size_t at = 0; (at = client.request.find(kIdHead, at)) != std::string::npos;)
      client.ids.push_back(at += kIdHead.size());
  }

  void send_what_is_due(Now::time_point now, Now::time_point start) {
    while (!idle_.empty()) {
      auto due = now;
      if (options_.rate > 0) {
        due = start + std::chrono::nanoseconds(
                          static_cast<int64_t>(static_cast<double>(sent_) * 1e9 / options_.rate));
        if (due > now) return;
      }
      send(*idle_.front(), due);
      idle_.pop_front();
    }
  }

  void send(Client& client, Now::time_point due) {
    for (const size_t at : client.ids) {
      char* digit = client.request.data() + at + kIdDigits;
      uint64_t number = next_id_++;
      for (size_t i = 0; i < kIdDigits; ++i, number /= 10) *--digit = static_cast<char>('0' + number % 10);
    }
    const ssize_t done = ::send(client.socket, client.request.data(), client.request.size(), MSG_NOSIGNAL);
    if (done != static_cast<ssize_t>(client.request.size())) stop("a request was not taken at once");
    client.due = due;
    client.waits = true;
    ++sent_;
    ++waiting_;
  }

  void take_answers() {
    epoll_event ready[256];
    const bool paced = options_.rate > 0 && !idle_.empty();
    const int count = ::epoll_wait(epoll_, ready, std::size(ready), paced ? 1 : 100);
    for (int i = 0; i < count; ++i) {
      Client& client = *static_cast<Client*>(ready[i].data.ptr);
      char buffer[4096];
      const ssize_t got = ::recv(client.socket, buffer, sizeof buffer, 0);
      if (got <= 0) stop("the server closed a connection");
      client.answer.append(buffer, static_cast<size_t>(got));
      if (whole(client.answer)) answered(client);
    }
  }

  static bool whole(const std::string& answer) {
    const size_t body = answer.find("\r\n\r\n");
    const size_t length = answer.find("Content-Length: ");
    if (body == std::string::npos || length == std::string::npos) return false;
    return answer.size() >= body + 4 + std::strtoull(answer.c_str() + length + 16, nullptr, 10);
  }

  void answered(Client& client) {
    const auto now = Now::now();
    if (now >= begin_ && now < end_)
      took_.push_back(std::chrono::duration<float, std::milli>(now - client.due).count());
    if (client.answer.compare(9, 3, "202") != 0 ||
        client.answer.find("\"rejected\":[]") == std::string::npos) {
      if (refused_++ == 0) std::fprintf(stderr, "bench ingest: answered\n%s\n", client.answer.c_str());
    }
    client.answer.clear();
    client.waits = false;
    --waiting_;
    idle_.push_back(&client);
  }

  void say_end() {
    ended_ = true;
    std::puts("end");
    std::fflush(stdout);
  }

  void print() {
    std::sort(took_.begin(), took_.end());
    const auto at = [&](double part) {
      return took_.empty() ? 0.0F : took_[static_cast<size_t>(part * static_cast<double>(took_.size() - 1))];
    };
    std::printf("%llu %zu %llu %.3f %.3f %.3f %.3f\n", static_cast<unsigned long long>(sent_), took_.size(),
                static_cast<unsigned long long>(refused_), options_.seconds, at(0.5), at(0.99), at(1));
    std::fflush(stdout);
  }

  const LoadOptions options_;
  int epoll_ = -1;
  std::vector<Client> clients_;
  std::deque<Client*> idle_;
  Now::time_point begin_, end_;
  bool begun_ = false, ended_ = false;
  uint64_t next_id_;
  uint64_t sent_ = 0, waiting_ = 0, refused_ = 0;
  std::vector<float> took_;
};

}  // namespace

std::string events_body(size_t events, uint64_t first_id) {
  std::string body = "[";
  for (size_t i = 0; i < events; ++i) body += (i == 0 ? "" : ",") + event(first_id + i);
  return body + "]";
}

uint64_t number_of_id(std::string_view id) {
  if (id.size() != 36) return UINT64_MAX;
  return std::strtoull(std::string(id.substr(24)).c_str(), nullptr, 10);
}

int run_load(const LoadOptions& options) {
  Load(options).run();
  return 0;
}

LoadProcess::LoadProcess(const LoadOptions& options) {
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) stop("no pipe is to be had");
  const std::vector<std::string> words = {
      "/proc/self/exe",
      "--load",
      std::to_string(options.port),
      std::to_string(options.connections),
      std::to_string(options.events),
      std::to_string(options.seconds),
      std::to_string(options.rate),
      std::to_string(options.first_id),
  };
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  child_ = ::fork();
  if (child_ == 0) {
    ::dup2(ends[1], STDOUT_FILENO);
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
  }
  ::close(ends[1]);
  out_ = ::fdopen(ends[0], "r");
  if (child_ < 0 || out_ == nullptr) stop("no process is to be had");
}

LoadProcess::~LoadProcess() {
  std::fclose(out_);
  ::waitpid(child_, nullptr, 0);
}

std::string LoadProcess::line() {
  char text[256];
  if (std::fgets(text, sizeof text, out_) == nullptr) stop("the producer ended early");
  return text;
}

void LoadProcess::wait_for_begin() {
  if (line() != "begin\n") stop("the producer did not begin");
}

void LoadProcess::wait_for_end() {
  if (line() != "end\n") stop("the producer did not end");
}

LoadFigures LoadProcess::figures() {
  LoadFigures figures;
  unsigned long long sent = 0;
  unsigned long long measured = 0;
  unsigned long long refused = 0;
  if (std::sscanf(line().c_str(), "%llu %llu %llu %lf %lf %lf %lf", &sent, &measured, &refused,
                  &figures.seconds, &figures.p50_ms, &figures.p99_ms, &figures.most_ms) != 7)
    stop("the producer's figures are not to be read");
  figures.sent = sent;
  figures.measured = measured;
  figures.refused = refused;
  return figures;
}

bool read_load_arguments(int argc, char** argv, LoadOptions& options) {
  if (argc != 8 || std::string_view(argv[1]) != "--load") return false;
  options.port = std::atoi(argv[2]);
  options.connections = std::strtoull(argv[3], nullptr, 10);
  options.events = std::strtoull(argv[4], nullptr, 10);
  options.seconds = std::strtod(argv[5], nullptr);
  options.rate = std::strtod(argv[6], nullptr);
  options.first_id = std::strtoull(argv[7], nullptr, 10);
  return true;
}

}  // namespace tradewind::bench
