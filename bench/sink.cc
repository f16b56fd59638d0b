// A next hop that takes everything and counts: as little SMTP as a relay or a load needs (EHLO, AUTH PLAIN with its response, MAIL,
// RCPT, DATA, BDAT, RSET, NOOP, QUIT, pipelined), one thread. XCOUNT answers with the counts, as JSON behind 250; `XCOUNT reset`
// forgets the numbers seen.
// `--chunking off`: BDAT is not offered, content comes by DATA.
// `--verify on` reads the X-Load field that smtp_load puts into each message: which were lost, which came twice.
#include "event_loop.h"

#include <arpa/inet.h>
#include <sys/socket.h>

namespace {

// Numbers beyond it are counted as messages only.
constexpr std::size_t kMostNumbers = 1U << 26;

struct Counts {
  bool verifies = false;
  bool offers_chunking = true;
  long connections = 0, messages = 0, duplicates = 0, distinct = 0;
  unsigned long long octets = 0;
  std::vector<bool> seen;

  void add(std::string_view content) {
    ++messages;
    octets += content.size();
    if (!verifies) return;
    const std::size_t at = content.find("\r\nX-Load: ");
    if (at == std::string_view::npos) return;
    const auto number = static_cast<std::size_t>(std::atol(content.data() + at + 10));
    if (number >= kMostNumbers) return;
    if (number >= seen.size()) seen.resize(number + 65536);
    ++(seen[number] ? duplicates : distinct);
    seen[number] = true;
  }
  std::string text() const {
    return "250 {\"messages\":" + std::to_string(messages) + ",\"octets\":" + std::to_string(octets) +
                               ",\"connections\":" + std::to_string(connections) + ",\"distinct\":" + std::to_string(distinct) +
                               ",\"duplicates\":" + std::to_string(duplicates) + "}\r\n";
  }
  // Each run numbers its messages from 0.
  void forget_numbers() {
    seen.clear();
    distinct = duplicates = 0;
  }
};

class Session final : public bench::Client {
 public:
  Session(int descriptor, Counts& counts) : channel_(bench::Channel::Accepted{descriptor}), counts_(counts) {
    ++counts.connections;
    channel_.send("220 sink.example.net ESMTP\r\n");
  }

  bench::Channel& channel() override { return channel_; }

  // Replies to a pipelined group leave in one piece.
  bool advance() override {
    if (!channel_.advance()) return false;
    std::string replies;
    bool goes_on = true;
    while (goes_on) {
      if (is_in_content_ || chunk_ > 0) {
        if (!(is_in_content_ ? take_content(replies) : take_chunk(replies))) break;
        continue;
      }
      const auto line = channel_.next_line();
      if (!line) break;
      goes_on = take_command(*line, replies);
    }
    channel_.send(replies);
    return goes_on;
  }

 private:
  // False: its end is not there yet.
  bool take_content(std::string& replies) {
    const std::string_view input = channel_.input();
    const std::size_t from = scanned_ < 4 ? 0 : scanned_ - 4;
    const std::size_t end = input.find("\r\n.\r\n", from);
    scanned_ = input.size();
    if (end == std::string_view::npos) return false;
    counts_.add(input.substr(0, end + 2));
    channel_.take(end + 5);
    is_in_content_ = false;
    replies += "250 2.0.0 counted\r\n";
    return true;
  }

  // One chunk is a whole message.
  bool take_chunk(std::string& replies) {
    const std::string_view input = channel_.input();
    if (input.size() < chunk_) return false;
    counts_.add(input.substr(0, chunk_));
    channel_.take(chunk_);
    chunk_ = 0;
    replies += "250 2.0.0 counted\r\n";
    return true;
  }

  bool take_command(std::string_view line, std::string& replies) {
    const std::string_view verb = line.substr(0, 4);
    if (verb == "DATA") {
      replies += "354 go on\r\n";
      is_in_content_ = true;
      scanned_ = 0;
    } else if (verb == "BDAT") {
      chunk_ = static_cast<std::size_t>(std::atol(line.data() + 5));
    } else if (verb == "EHLO") {
      replies += "250-sink.example.net\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-SIZE\r\n";
      if (counts_.offers_chunking) replies += "250-CHUNKING\r\n";
      replies += "250 AUTH PLAIN\r\n";
    } else if (verb == "AUTH") {
      replies += "235 2.7.0 anybody\r\n";
    } else if (verb == "QUIT") {
      replies += "221 2.0.0 bye\r\n";
      return false;
    } else if (verb == "XCOU") {
      replies += counts_.text();
      if (line == "XCOUNT reset") counts_.forget_numbers();
    } else {
      replies += "250 2.0.0 yes\r\n";
    }
    return true;
  }

  bench::Channel channel_;
  Counts& counts_;
  bool is_in_content_ = false;
  std::size_t scanned_ = 0;
  std::size_t chunk_ = 0;  // octets of a BDAT that still come
};

int listen_on(std::uint16_t port) {
  constexpr int kBacklog = 4096;
  const int descriptor = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  const int on = 1;
  setsockopt(descriptor, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(descriptor, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) bench::give_up("bind");
  if (listen(descriptor, kBacklog) != 0) bench::give_up("listen");
  return descriptor;
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Options options(argc, argv, {{"port", "2525"}, {"verify", "off"}, {"chunking", "on"}});
  Counts counts;
  counts.verifies = options.is_on("verify");
  counts.offers_chunking = options.is_on("chunking");
  const int listener = listen_on(static_cast<std::uint16_t>(options.number("port")));
  bench::EventLoop loop;
  loop.watch(listener, [&] {
    for (int descriptor; (descriptor = accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
      loop.add(std::make_unique<Session>(descriptor, counts));
    }
  });
  for (;;) loop.turn(-1);
}
