// Load: many connections, each a thread with a blocking socket, pipelining MAIL, RCPT and DATA as clients do. Prints one line of
// JSON. Plaintext only; AUTH PLAIN if a key is given.
// usage: smtp_load PORT CONNECTIONS MESSAGES PER_CONNECTION OCTETS [AUTH-BASE64]
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace {

struct Plan {
  std::uint16_t port;
  long messages, per_connection;
  std::size_t octets;
  std::string auth;
};

std::atomic<long> next_message{0};
std::atomic<long> refused{0};
std::mutex latencies_mutex;
std::vector<double> latencies_ms;

class Client {
 public:
  explicit Client(std::uint16_t port) : descriptor_(socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const int on = 1;
    setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(descriptor_, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) fail("connect");
    expect("220");
  }
  ~Client() { close(descriptor_); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;

  void send_all(const std::string& text) {
    std::size_t sent = 0;
    while (sent < text.size()) {
      const ssize_t count = send(descriptor_, text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
      if (count <= 0) fail("send");
      sent += static_cast<std::size_t>(count);
    }
  }
  // True if the next reply has the code.
  bool expect(const char* code) {
    for (;;) {
      const std::size_t end = input_.find("\r\n");
      if (end == std::string::npos) {
        char piece[4096];
        const ssize_t count = recv(descriptor_, piece, sizeof piece, 0);
        if (count <= 0) fail("recv");
        input_.append(piece, static_cast<std::size_t>(count));
        continue;
      }
      const std::string line = input_.substr(0, end);
      input_.erase(0, end + 2);
      if (line.size() > 3 && line[3] == '-') continue;
      if (line.compare(0, 3, code) == 0) return true;
      std::fprintf(stderr, "wanted %s: %s\n", code, line.c_str());
      return false;
    }
  }

 private:
  [[noreturn]] void fail(const char* what) {
    std::perror(what);
    std::exit(1);
  }
  int descriptor_;
  std::string input_;
};

void work(const Plan& plan) {
  std::string content = "From: a@example.org\r\nTo: b@example.net\r\nSubject: load\r\n\r\n";
  while (content.size() + 80 <= plan.octets) content += std::string(76, 'x') + "\r\n";
  content += "\r\n.\r\n";
  std::vector<double> mine;
  while (next_message < plan.messages) {
    Client client(plan.port);
    client.send_all("EHLO load.example.org\r\n");
    client.expect("250");
    if (!plan.auth.empty()) {
      client.send_all("AUTH PLAIN " + plan.auth + "\r\n");
      client.expect("235");
    }
    for (long i = 0; i < plan.per_connection && next_message++ < plan.messages; ++i) {
      const auto began = std::chrono::steady_clock::now();
      client.send_all("MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n");
      const bool is_ready = client.expect("250") & client.expect("250") & client.expect("354");
      if (!is_ready) {
        ++refused;
        break;
      }
      client.send_all(content);
      if (!client.expect("250")) ++refused;
      mine.push_back(std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began).count());
    }
    client.send_all("QUIT\r\n");
    client.expect("221");
  }
  const std::lock_guard lock(latencies_mutex);
  latencies_ms.insert(latencies_ms.end(), mine.begin(), mine.end());
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6) return std::fprintf(stderr, "usage: smtp_load PORT CONNECTIONS MESSAGES PER_CONNECTION OCTETS [AUTH]\n"), 2;
  const Plan plan{static_cast<std::uint16_t>(std::atoi(argv[1])), std::atol(argv[3]), std::atol(argv[4]),
                  static_cast<std::size_t>(std::atol(argv[5])), argc > 6 ? argv[6] : ""};
  const auto began = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  for (int i = 0; i < std::atoi(argv[2]); ++i) threads.emplace_back(work, plan);
  for (auto& thread : threads) thread.join();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  std::sort(latencies_ms.begin(), latencies_ms.end());
  const auto at = [](double part) {
    return latencies_ms.empty() ? 0 : latencies_ms[static_cast<std::size_t>(part * static_cast<double>(latencies_ms.size() - 1))];
  };
  std::printf("{\"accepted\":%zu,\"refused\":%ld,\"seconds\":%.3f,\"per_second\":%.0f,\"p50_ms\":%.2f,\"p99_ms\":%.2f}\n",
              latencies_ms.size(), refused.load(), seconds, static_cast<double>(latencies_ms.size()) / seconds, at(0.5), at(0.99));
}
