// Load over HTTP: keep-alive connections on one thread, one POST /v1/emails after the other on each, in the clear or under TLS.
// Prints one line of JSON.
#include "event_loop.h"

namespace {

using bench::Clock;

struct State {
  bench::Schedule schedule;
  std::uint16_t port;
  bool is_tls;
  std::string request;
  bench::SslContext tls = bench::make_client_context(nullptr);
  bench::Report report{};
};

class HttpClient final : public bench::Client {
 public:
  explicit HttpClient(State& state) : state_(state), channel_(state.port) {
    if (state.is_tls) channel_.start_tls(state.tls.get(), nullptr);
    begin_request();
  }

  bench::Channel& channel() override { return channel_; }

  bool advance() override {
    if (!channel_.advance()) {
      state_.report.refused("the connection ended");
      return false;
    }
    while (read_head() && channel_.input().size() >= length_) {
      if (!end_response()) return false;
    }
    return true;
  }

 private:
  // True: the head of a response is there.
  bool read_head() {
    while (!has_head_) {
      const auto line = channel_.next_line();
      if (!line) return false;
      if (line->starts_with("HTTP/1.1 ")) status_ = std::atoi(line->data() + 9);
      if (line->starts_with("Content-Length: ")) length_ = static_cast<std::size_t>(std::atol(line->data() + 16));
      has_head_ = line->empty();
    }
    return true;
  }

  bool end_response() {
    if (status_ == 200) {
      state_.report.accepted(began_);
    } else {
      state_.report.refused(channel_.input().substr(0, length_));
    }
    channel_.take(length_);
    if (state_.schedule.is_over()) return false;
    begin_request();
    return true;
  }

  void begin_request() {
    has_head_ = false;
    length_ = 0;
    state_.schedule.take(Clock::now(), began_);
    channel_.send(state_.request);
  }

  State& state_;
  bench::Channel channel_;
  Clock::time_point began_;
  bool has_head_ = false;
  int status_ = 0;
  std::size_t length_ = 0;
};

std::string make_request(const bench::Options& options) {
  std::string text;  // the lines that smtp_load sends
  for (long octets = 0; octets + 78 <= options.number("octets"); octets += 78) text += std::string(76, 'x') + "\\n";
  const std::string body = R"({"from":"a@example.org","to":["b@example.net"],"subject":"load","text":")" + text + R"("})";
  return "POST /v1/emails HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer " + options.text("key") +
         "\r\nContent-Type: application/json\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
}

}  // namespace

int main(int argc, char** argv) {
  const bench::Options options(argc, argv, {{"port", "80"}, {"connections", "50"}, {"messages", "1000"}, {"octets", "4096"},
                                            {"key", ""}, {"tls", "none"}});
  State state{.schedule = bench::Schedule(options.number("messages"), 0),
              .port = static_cast<std::uint16_t>(options.number("port")),
              .is_tls = options.text("tls") == "implicit",
              .request = make_request(options)};
  bench::EventLoop loop;
  for (long i = 0; i < options.number("connections") && !state.schedule.is_over(); ++i) {
    loop.add(std::make_unique<HttpClient>(state));
  }
  while (loop.size() > 0) loop.turn(-1);
  state.report.print();
}
