// Load over HTTP: many keep-alive connections, each a thread with a blocking socket, one POST /v1/emails after the other. Prints
// one line of JSON. Plaintext only.
// usage: http_load PORT CONNECTIONS MESSAGES OCTETS KEY
#include "load.h"

namespace {

load::Totals totals;

// The status of the next response, whose body is skipped.
int read_status(load::Socket& socket) {
  const std::string first = socket.read_line();
  std::size_t length = 0;
  for (std::string line = socket.read_line(); !line.empty(); line = socket.read_line()) {
    if (line.rfind("Content-Length: ", 0) == 0) length = static_cast<std::size_t>(std::atol(line.c_str() + 16));
  }
  socket.skip(length);
  return first.size() > 9 ? std::atoi(first.c_str() + 9) : 0;
}

void work(std::uint16_t port, long messages, const std::string& request) {
  std::vector<double> mine;
  load::Socket socket(port);
  while (totals.next_message++ < messages) {
    const auto began = std::chrono::steady_clock::now();
    socket.send_all(request);
    if (read_status(socket) == 200) {
      mine.push_back(load::milliseconds_since(began));
    } else {
      ++totals.refused;
    }
  }
  totals.add(mine);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 6) return std::fprintf(stderr, "usage: http_load PORT CONNECTIONS MESSAGES OCTETS KEY\n"), 2;
  const std::string text(static_cast<std::size_t>(std::atol(argv[4])), 'x');
  const std::string body = R"({"from":"a@example.org","to":["b@example.net"],"subject":"load","text":")" + text + R"("})";
  const std::string request = "POST /v1/emails HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer " + std::string(argv[5]) +
                              "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  const auto port = static_cast<std::uint16_t>(std::atoi(argv[1]));
  const long messages = std::atol(argv[3]);
  load::run(std::atoi(argv[2]), totals, [&] { work(port, messages, request); });
}
