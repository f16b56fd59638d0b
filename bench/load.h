// What the loads share: a blocking socket, the messages that are left to send, latencies, the line of JSON at the end.
#pragma once

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace load {

// A connection to a port of this machine. A network failure ends the program: a load that lost clients measured nothing.
class Socket {
 public:
  explicit Socket(std::uint16_t port) : descriptor_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int on = 1;
    setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fail("connect");
  }
  ~Socket() { close(descriptor_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;

  void send_all(const std::string& text) {
    std::size_t sent = 0;
    while (sent < text.size()) {
      const ssize_t count = send(descriptor_, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
      if (count <= 0) fail("send");
      sent += static_cast<std::size_t>(count);
    }
  }
  // The next line without its CR LF.
  std::string read_line() {
    std::size_t end;
    while ((end = input_.find("\r\n")) == std::string::npos) receive();
    std::string line = input_.substr(0, end);
    input_.erase(0, end + 2);
    return line;
  }
  void skip(std::size_t octets) {
    while (input_.size() < octets) receive();
    input_.erase(0, octets);
  }

 private:
  void receive() {
    char piece[4096];
    const ssize_t count = recv(descriptor_, piece, sizeof piece, 0);
    if (count <= 0) fail("recv");
    input_.append(piece, static_cast<std::size_t>(count));
  }
  [[noreturn]] void fail(const char* what) {
    std::perror(what);
    std::exit(1);
  }
  int descriptor_;
  std::string input_;
};

struct Totals {
  std::atomic<long> next_message{0};
  std::atomic<long> refused{0};
  std::mutex mutex;
  std::vector<double> latencies_ms;

  void add(const std::vector<double>& mine) {
    const std::lock_guard lock(mutex);
    latencies_ms.insert(latencies_ms.end(), mine.begin(), mine.end());
  }
};

inline double milliseconds_since(std::chrono::steady_clock::time_point began) {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began).count();
}

// Runs `work` on `connections` threads and prints the line.
inline void run(int connections, Totals& totals, const std::function<void()>& work) {
  const auto began = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  for (int i = 0; i < connections; ++i) threads.emplace_back(work);
  for (auto& thread : threads) thread.join();
  const double seconds = milliseconds_since(began) / 1000;
  auto& all = totals.latencies_ms;
  std::sort(all.begin(), all.end());
  const auto at = [&](double part) { return all.empty() ? 0 : all[static_cast<std::size_t>(part * static_cast<double>(all.size() - 1))]; };
  std::printf("{\"accepted\":%zu,\"refused\":%ld,\"seconds\":%.3f,\"per_second\":%.0f,\"p50_ms\":%.2f,\"p99_ms\":%.2f}\n", all.size(),
              totals.refused.load(), seconds, static_cast<double>(all.size()) / seconds, at(0.5), at(0.99));
}

}  // namespace load
