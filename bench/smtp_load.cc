// Load over SMTP: many connections, each a thread with a blocking socket, pipelining MAIL, RCPT and DATA as clients do. Prints one
// line of JSON. Plaintext only; AUTH PLAIN if a key is given.
// usage: smtp_load PORT CONNECTIONS MESSAGES PER_CONNECTION OCTETS [AUTH-BASE64]
#include "load.h"

namespace {

struct Plan {
  std::uint16_t port;
  long messages, per_connection;
  std::size_t octets;
  std::string auth;
};

load::Totals totals;

// True if the next reply has the code.
bool expect(load::Socket& socket, const char* code) {
  std::string line = socket.read_line();
  while (line.size() > 3 && line[3] == '-') line = socket.read_line();
  if (line.compare(0, 3, code) == 0) return true;
  std::fprintf(stderr, "wanted %s: %s\n", code, line.c_str());
  return false;
}

void work(const Plan& plan) {
  std::string content = "From: a@example.org\r\nTo: b@example.net\r\nSubject: load\r\n\r\n";
  while (content.size() + 80 <= plan.octets) content += std::string(76, 'x') + "\r\n";
  content += "\r\n.\r\n";
  std::vector<double> mine;
  while (totals.next_message < plan.messages) {
    load::Socket socket(plan.port);
    expect(socket, "220");
    socket.send_all("EHLO load.example.org\r\n");
    expect(socket, "250");
    if (!plan.auth.empty()) {
      socket.send_all("AUTH PLAIN " + plan.auth + "\r\n");
      expect(socket, "235");
    }
    for (long i = 0; i < plan.per_connection && totals.next_message++ < plan.messages; ++i) {
      const auto began = std::chrono::steady_clock::now();
      socket.send_all("MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.net>\r\nDATA\r\n");
      const bool is_ready = expect(socket, "250") & expect(socket, "250") & expect(socket, "354");
      if (!is_ready) {
        ++totals.refused;
        break;
      }
      socket.send_all(content);
      if (!expect(socket, "250")) ++totals.refused;
      mine.push_back(load::milliseconds_since(began));
    }
    socket.send_all("QUIT\r\n");
    expect(socket, "221");
  }
  totals.add(mine);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 6) return std::fprintf(stderr, "usage: smtp_load PORT CONNECTIONS MESSAGES PER_CONNECTION OCTETS [AUTH]\n"), 2;
  const Plan plan{static_cast<std::uint16_t>(std::atoi(argv[1])), std::atol(argv[3]), std::atol(argv[4]),
                  static_cast<std::size_t>(std::atol(argv[5])), argc > 6 ? argv[6] : ""};
  load::run(std::atoi(argv[2]), totals, [&plan] { work(plan); });
}
